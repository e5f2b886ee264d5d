local stats = require("dockhost.stats")

local function sample(total, system, memory)
  return {
    cpu_stats = { cpu_usage = { total_usage = total }, system_cpu_usage = system, online_cpus = 2 },
    memory_stats = memory or { usage = 1000, limit = 4000, stats = {} },
    pids_stats = { current = 7 },
    networks = { eth0 = { rx_bytes = 10, tx_bytes = 1 }, eth1 = { rx_bytes = 20, tx_bytes = 2 } },
  }
end

describe("stats.usage", function()
  it("counts a full core as 100 %", function()
    assert.equal(100, stats.usage(sample(0, 0), sample(500, 1000)).cpuPercent)
    assert.equal(12.5, stats.usage(sample(1000, 5000), sample(1125, 7000)).cpuPercent)
  end)

  it("has two decimals at most", function()
    assert.equal(33.33, stats.usage(sample(0, 0), sample(1, 6)).cpuPercent)
  end)

  it("is 0 where nothing grew, or the container was restarted between the samples", function()
    assert.equal(0, stats.usage(sample(5, 5), sample(5, 5)).cpuPercent)
    assert.equal(0, stats.usage(sample(500, 5), sample(1, 10)).cpuPercent)
  end)

  for version, field in pairs({ v1 = "total_inactive_file", v2 = "inactive_file" }) do
    it("leaves the page cache out, as cgroup " .. version .. " names it", function()
      local memory = { usage = 1000, limit = 4000, stats = { [field] = 300 } }
      local used = stats.usage(sample(0, 0), sample(0, 0, memory))
      assert.equal(700, used.memoryBytes)
      assert.equal(4000, used.memoryLimit)
    end)
  end

  it("takes v1's total, which has the children's too, where both are there", function()
    local memory = { usage = 1000, stats = { total_inactive_file = 300, inactive_file = 100 } }
    assert.equal(700, stats.usage(sample(0, 0), sample(0, 0, memory)).memoryBytes)
  end)

  it("never makes memory negative", function()
    local memory = { usage = 100, stats = { inactive_file = 300 } }
    assert.equal(100, stats.usage(sample(0, 0), sample(0, 0, memory)).memoryBytes)
  end)

  it("sums the interfaces", function()
    local used = stats.usage(sample(0, 0), sample(0, 0))
    assert.equal(30, used.rxBytes)
    assert.equal(3, used.txBytes)
    assert.equal(7, used.pids)
  end)

  it("makes zeros of the empty sample of a container that has just stopped", function()
    assert.same({ cpuPercent = 0, memoryBytes = 0, memoryLimit = 0, pids = 0, rxBytes = 0, txBytes = 0 },
      stats.usage({ cpu_stats = {} }, {}))
  end)
end)
