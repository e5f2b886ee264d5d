// Runs the suites of a directory, all or those named, and looks for what they left behind. JOBS of them at once: each has
// users and ports of its own.
// Usage: [JOBS=2] node spec/support/run.mjs DIRECTORY [NAME…]
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { ALL_PORTS, leftovers } from "./suite.mjs";
import { until } from "./until.mjs";

const ENDING = ".test.mjs";
// A suite that ended badly may keep a socket open, and its process with it.
const LONGEST = Number(process.env.SUITE_MINUTES || 20) * 60e3;
const [directory, ...names] = process.argv.slice(2);
const jobs = Number(process.env.JOBS || 1);

async function chosen() {
  const all = (await readdir(directory)).filter((file) => file.endsWith(ENDING)).sort();
  if (!names.length) return all;
  const wanted = names.map((name) => `${name}${ENDING}`);
  const unknown = wanted.filter((file) => !all.includes(file));
  if (unknown.length) throw new Error(`no such suite: ${unknown.join(", ")}; there are ${all.join(", ")}`);
  return wanted;
}

// A suite is a group of processes: the runner of Node and the suite itself.
const running = new Set();
function end(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended.
  }
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const child of running) end(child, signal);
    process.exit(130);
  });
}

// What it prints is kept together where others run beside it.
function run(file) {
  const args = ["--test", "--test-reporter=spec", join(directory, file)];
  return new Promise((resolve, reject) => {
    const stdio = jobs > 1 ? ["ignore", "pipe", "pipe"] : "inherit";
    const child = spawn(process.execPath, args, { stdio, detached: true });
    running.add(child);
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => output.push(chunk));
    const limit = setTimeout(() => {
      console.log(`${file} does not end: it is killed`);
      end(child, "SIGKILL");
    }, LONGEST);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      running.delete(child);
      process.stdout.write(Buffer.concat(output));
      resolve(code);
    });
  });
}

function listen(port) {
  return new Promise((resolve) => {
    const listener = net.createServer().unref();
    listener.once("error", () => resolve(undefined)).listen(port, "127.0.0.1", () => resolve(listener));
  });
}

// Two runs on one machine would sweep away each other's containers: the later one waits. A port frees itself, however a
// run ends.
async function waitForTurn() {
  const port = ALL_PORTS.start - 1;
  if (await listen(port)) return;
  console.log("another run is under way on this machine: waiting for its end");
  await until(() => listen(port), `the end of another run, which holds port ${port}`, { timeout: 20 * 60e3, every: 500 });
}

async function main() {
  const failures = [];
  await waitForTurn();
  const files = await chosen();
  const lane = async () => {
    for (let file = files.shift(); file; file = files.shift()) {
      const began = Date.now();
      const code = await run(file);
      console.log(`${code === 0 ? "passed" : "FAILED"} ${file} in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
      if (code !== 0) failures.push(file);
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  const left = (await leftovers()).map((container) => container.Name);
  if (left.length) failures.push(`containers are left behind: ${left.join(" ")}`);
  if (failures.length) console.log(`failed: ${failures.join(", ")}`);
  process.exitCode = failures.length ? 1 : 0;
}

await main();
