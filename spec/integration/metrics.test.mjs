// Metrics: what /metrics says of what was really done, as Prometheus reads it; and what is made of it.
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { DockerProxy } from "../support/docker-proxy.mjs";
import { ROOT } from "../support/dockhost.mjs";
import { Page, promtool } from "../support/prometheus.mjs";
import { failed, succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("metrics");
const TRIPLES = 10;
const COMMANDS = 400;
const AT_ONCE = 50;
const STATES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const RULES = "packaging/prometheus/dockhost.rules.yml";

let server;
let proxy;
let scripts;
let dockhost;

before(async () => {
  const home = await suite.home();
  scripts = join(home, "scripts");
  await mkdir(join(scripts, "commands"), { recursive: true });
  proxy = suite.closing(await new DockerProxy(join(home, "docker.sock")).open(), (thing) => thing.close());
  server = await suite.server();
  dockhost = await suite.connect(server, { home, args: [scripts], settings: {
    DOCKER_HOST: proxy.host,
    DOCKHOST_CONSOLE: `127.0.0.1:${suite.ports.end}`,
    DOCKHOST_PORT_END: suite.ports.start + 3 * TRIPLES - 1,
    DOCKHOST_MAX_CONTAINERS: 200,
  } });
});

async function scrape() {
  const answer = await fetch(`http://127.0.0.1:${suite.ports.end}/metrics`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return new Page(await answer.text());
}

/** A page of which `look` is true, which it becomes where something takes its time. */
const page = (look, what) => until(async () => {
  const found = await scrape();
  return look(found) && found;
}, what);

const commands = (from, event, outcome) => from.value("dockhost_commands_total", { event, outcome });

suite.test("commands are counted by event and outcome, and timed, and so are the calls of Docker that they make", async () => {
  const begun = await page((found) => found.value("dockhost_docker_up") === 1, "Docker to be seen");
  assert.equal(commands(begun, "create-container", "success"), 0);
  const user = suite.user();
  const sshPublicKey = suite.key.publicKey;
  succeeded(await server.ask("create-container", { username: user, sshPublicKey }));
  failed(await server.ask("create-container", { username: user, sshPublicKey }));
  failed(await server.ask("create-container", { username: suite.user() }));
  assert.equal(await server.tell("check_if_container_exists", user, { USERNAME: user }), true);
  failed(await server.ask("stop-container", { username: suite.user() }));
  const made = await scrape();
  assert.equal(commands(made, "create-container", "success"), 1);
  assert.equal(commands(made, "create-container", "rejected"), 2);
  assert.equal(commands(made, "create-container", "failed"), 0);
  assert.equal(commands(made, "check_if_container_exists", "success"), 1);
  assert.equal(commands(made, "stop-container", "rejected"), 1);
  assert.equal(made.value("dockhost_command_duration_seconds_count", { event: "create-container" }), 3);
  assert.equal(made.value("dockhost_command_duration_seconds_bucket", { event: "create-container", le: "+Inf" }), 3);
  assert.ok(made.value("dockhost_command_duration_seconds_sum", { event: "create-container" }) > 0.05);
  for (const [method, endpoint] of [["POST", "/containers/create"], ["PUT", "/containers/{id}/archive"],
    ["POST", "/containers/{id}/start"]]) {
    assert.equal(made.value("dockhost_docker_requests_total", { method, endpoint, status: "2xx" }), 1, endpoint);
    assert.equal(made.value("dockhost_docker_request_duration_seconds_count", { method, endpoint }), 1, endpoint);
  }
  succeeded(await server.ask("delete-container", { username: user }));
});

/** A page whose containers by state are those of Docker: others may come and go beside. */
function counted(what) {
  return until(async () => {
    const managed = await docker.list({ label: ["dockhost.managed=true"] });
    const found = await scrape();
    return STATES.every((state) => found.value("dockhost_containers", { state })
      === managed.filter(({ State }) => State === state).length) && found;
  }, what);
}

suite.test("containers are counted by state, and the ports that are left", async () => {
  const free = (found) => TRIPLES - Math.max(found.value("dockhost_containers"), 1);
  const user = suite.user();
  succeeded(await server.ask("create-container", { username: user, sshPublicKey: suite.key.publicKey }));
  const made = await counted("the container to be counted");
  assert.ok(made.value("dockhost_containers", { state: "running" }) >= 1);
  assert.equal(made.value("dockhost_port_triples_free"), Math.max(0, free(made)));
  assert.equal(made.value("dockhost_port_triples_max"), TRIPLES);
  assert.equal(made.value("dockhost_containers_max"), 200);
  succeeded(await server.ask("stop-container", { username: user }));
  const stopped = await counted("the container to be stopped");
  assert.ok(stopped.value("dockhost_containers", { state: "exited" }) >= 1);
  assert.equal(stopped.value("dockhost_port_triples_free"), Math.max(0, free(stopped)));
  succeeded(await server.ask("delete-container", { username: user }));
  await counted("the container to be gone");
});

suite.test("the page is what Prometheus takes, without a complaint, and has every metric of README", async () => {
  const found = await scrape();
  const { code, output } = await promtool(["check", "metrics"], found.text);
  assert.equal(output, "");
  assert.equal(code, 0);
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const listed = [...readme.matchAll(/^\| `(\w+)` \| (?:gauge|counter|histogram) \|/gm)].map(([, name]) => name);
  assert.ok(listed.length > 30);
  assert.deepEqual([...found.names].sort(), listed.sort());
});

suite.test("promtool would complain of a page that is none", async () => {
  const { text } = await scrape();
  assert.notEqual((await promtool(["check", "metrics"], text.replace(/_total/g, ""))).code, 0);
  assert.notEqual((await promtool(["check", "metrics"], `${text}dockhost_docker_up\n`)).code, 0);
});

suite.test("a scrape asks nothing of Docker, and nothing of it grows, however many commands come", async () => {
  const event = "check_if_container_exists";
  const first = await scrape();
  for (let n = 0; n < 20; n += 1) await scrape();
  const sum = (from) => from.value("dockhost_docker_requests_total");
  assert.equal(sum(await scrape()), sum(first));
  for (let n = 0; n < COMMANDS; n += AT_ONCE) {
    const users = Array.from({ length: AT_ONCE }, (_, i) => `${suite.prefix}nobody-${n + i}`);
    await Promise.all(users.map((user) => server.ask(event, { USERNAME: user })));
  }
  const last = await scrape();
  assert.equal(commands(last, event, "success") - commands(first, event, "success"), COMMANDS);
  assert.equal(last.value("dockhost_commands_in_flight"), 0);
  const known = new Set(first.samples.map(({ key }) => key));
  const added = last.samples.filter(({ key, labels }) => !known.has(key) && labels.event !== event
    && labels.endpoint !== "/containers/{id}/json");
  assert.deepEqual(added, []);
});

suite.test("the process is told of as the kernel tells", async () => {
  const found = await scrape();
  const status = await readFile(`/proc/${dockhost.pid}/status`, "utf8");
  const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)[1]);
  assert.ok(Math.abs(found.value("process_resident_memory_bytes") / 1024 - kilobytes("VmRSS")) < 2048);
  assert.ok(found.value("process_virtual_memory_bytes") > found.value("process_resident_memory_bytes"));
  assert.ok(found.value("process_open_fds") > 5 && found.value("process_open_fds") < found.value("process_max_fds"));
  assert.ok(Math.abs(Date.now() / 1000 - found.value("process_start_time_seconds")) < 600);
  assert.ok(found.value("process_cpu_seconds_total") > 0);
  assert.equal(found.value("dockhost_build_info", { lua: "" }), undefined);
  assert.equal(found.value("dockhost_build_info"), 1);
  assert.ok(found.value("dockhost_lua_heap_bytes") < found.value("process_resident_memory_bytes"));
});

suite.test("a script that computes for long shows in the event loop's turns", async () => {
  const long = (from) => from.value("dockhost_event_loop_turn_seconds_count")
    - from.value("dockhost_event_loop_turn_seconds_bucket", { le: "0.5" });
  const before = await scrape();
  const file = join(scripts, "commands", "compute.lua");
  await writeFile(file, "return { run = function() while true do end end }");
  const loads = (from) => from.value("dockhost_script_reloads_total", { outcome: "success" });
  await page((found) => loads(found) > loads(before), "the script to be loaded");
  // It is stopped after a second.
  failed(await server.ask("compute", {}));
  const after = await page((found) => long(found) > long(before), "the turn to be over");
  assert.ok(after.value("dockhost_event_loop_lag_seconds_count") > before.value("dockhost_event_loop_lag_seconds_count"));
  assert.equal(commands(after, "compute", "failed"), 1);
});

suite.test("a reload that fails is told, until one succeeds", async () => {
  const file = join(scripts, "commands", "broken.lua");
  const good = (from) => from.value("dockhost_script_last_reload_successful");
  assert.equal(good(await scrape()), 1);
  await writeFile(file, "return {");
  const broken = await page((found) => good(found) === 0, "the failure to be told");
  assert.ok(broken.value("dockhost_script_reloads_total", { outcome: "failure" }) >= 1);
  assert.ok(broken.value("dockhost_log_lines_total", { level: "error" }) >= 1);
  await rm(file);
  await page((found) => good(found) === 1, "the success to be told");
});

suite.test("Docker's going and coming back is told, and what is known of the containers stays", async () => {
  const known = (from) => from.value("dockhost_containers");
  const before = await scrape();
  await proxy.close();
  const away = await page((found) => found.value("dockhost_docker_up") === 0, "Docker to be away");
  assert.equal(known(away), known(before));
  await page((found) => found.value("dockhost_docker_requests_total", { endpoint: "/events", status: "5xx" }) >= 1,
    "the lost stream to be counted");
  await proxy.open();
  await page((found) => found.value("dockhost_docker_up") === 1, "Docker to be back");
});

suite.test("the connection has one state, and its losses a reason", async () => {
  const states = (from) => Object.fromEntries(from.samples.filter(({ name }) => name === "dockhost_connection_state")
    .map(({ labels, value }) => [labels.state, value]));
  const before = await scrape();
  assert.deepEqual(states(before), { connected: 1, connecting: 0, waiting: 0, offline: 0, local: 0 });
  assert.equal(before.value("dockhost_connection_accepted_total"), 1);
  const accepted = before.value("dockhost_connection_accepted_timestamp_seconds");
  assert.ok(Math.abs(Date.now() / 1000 - accepted) < 600);
  assert.ok(before.value("dockhost_key_expiry_timestamp_seconds") > Date.now() / 1000);
  await server.close();
  const lost = await page((found) => states(found).connected === 0, "the loss to be told");
  assert.equal(Object.values(states(lost)).reduce((sum, value) => sum + value), 1);
  const failures = (from) => from.value("dockhost_reconnects_total");
  await page((found) => failures(found) > failures(before), "its reason");
  await server.listen();
  await server.backend();
  const back = await page((found) => states(found).connected === 1, "the connection to be told");
  assert.ok(back.value("dockhost_connection_accepted_total") >= 2);
  assert.ok(back.value("dockhost_connection_accepted_timestamp_seconds") > accepted);
});

suite.test("the alert rules are sound, and fire when they must", async () => {
  for (const args of [["check", "rules", RULES], ["test", "rules", "spec/prometheus/rules.test.yml"]]) {
    const { code, output } = await promtool(args);
    assert.equal(code, 0, output);
    assert.match(output, /SUCCESS/);
  }
});

function expressions(value, found = []) {
  for (const [name, inner] of Object.entries(value)) {
    if (name === "expr") found.push(inner);
    else if (inner && typeof inner === "object") expressions(inner, found);
  }
  return found;
}

suite.test("the expressions of the dashboard are sound", async () => {
  const dashboard = JSON.parse(await readFile(join(ROOT, "packaging/grafana/dockhost.json"), "utf8"));
  const rules = expressions(dashboard).map((text, index) => ({
    record: `panel_${index}`,
    expr: text.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".+"),
  }));
  assert.ok(rules.length > 30);
  const file = join(await suite.home(), "dashboard.rules.yml");
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  const { code, output } = await promtool(["check", "rules", file]);
  assert.equal(code, 0, output);
});
