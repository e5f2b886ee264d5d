// What every suite has: users and ports of its own, things that are closed at its end, and the log on a failure.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import * as docker from "./docker.mjs";
import { Dockhost, IMAGE, makeHome } from "./dockhost.mjs";
import { MainServer } from "./main-server.mjs";
import { makeKeyPair } from "./ssh.mjs";

const FIRST_PORT = 23401;
const PORTS_EACH = 275;
const NAMES = ["documented", "deployed", "names", "ports", "foreign", "connection", "faults", "cli", "scripts", "readme",
  "link", "tls", "daemon", "engine", "killed", "storm", "hostile", "secrets", "shutdown", "recovery", "halves", "flood",
  "guide", "examples", "workbench", "platform", "browser", "looks",
  "engines", "metrics", "console", "packaging", "check", "verbs"];
const TEST_TIMEOUT = 90000;

/** Below the ephemeral ports, so that no outgoing connection takes one. */
export const ALL_PORTS = { start: FIRST_PORT, end: FIRST_PORT + NAMES.length * PORTS_EACH - 1 };
assert.ok(ALL_PORTS.end < 32768, "more suites than there are ports for");

const inRange = ({ start, end }) => (port) => port >= start && port <= end;

/** Containers whose bindings lie in a range of ours, or that a suite made by itself. */
export async function leftovers(range = ALL_PORTS, mine = () => true) {
  const found = await Promise.all((await docker.list()).map(({ Id }) => docker.inspect(Id)));
  return found.filter((container) => container && mine(container)
    && (container.Config.Labels["dockhost.test"] || Object.values(docker.bindings(container)).some(inRange(range))));
}

export class Suite {
  /** `users`: names without the suite's prefix that it uses all the same. */
  constructor(name, { users = [] } = {}) {
    const index = NAMES.indexOf(name);
    assert.notEqual(index, -1, `${name} is not in the list of suites`);
    this.name = name;
    this.prefix = `it-${name}-`;
    this.users = new Set(users);
    const start = FIRST_PORT + index * PORTS_EACH;
    this.ports = { start, end: start + PORTS_EACH - 1 };
    this.things = [];
    this.processes = [];
    this.counter = 0;
    before(() => this.open());
    after(() => this.close());
  }

  /** A user name that no test has had. */
  user(word = "user") {
    this.counter += 1;
    return `${this.prefix}${word}-${this.counter}`;
  }

  owns(container) {
    const labels = container.Config.Labels;
    const user = labels["dockhost.username"] ?? container.Name.slice(1);
    return labels["dockhost.test"] === this.name || user.startsWith(this.prefix) || this.users.has(user);
  }

  async sweep() {
    const left = await leftovers(this.ports, (container) => this.owns(container));
    await Promise.all(left.map(({ Id }) => docker.remove(Id)));
  }

  async open() {
    assert.ok(await docker.image(IMAGE), `there is no image ${IMAGE}: make it with \`make image\``);
    await this.sweep();
    this.key = this.closing(await makeKeyPair(), (pair) => pair.remove());
  }

  async close() {
    const errors = [];
    for (const [thing, end] of this.things.reverse()) await Promise.resolve(end(thing)).catch((error) => errors.push(error));
    await this.sweep();
    const left = await leftovers(this.ports, (container) => this.owns(container));
    assert.deepEqual(left.map(({ Name }) => Name), [], "containers are left behind");
    if (errors.length) throw errors[0];
  }

  closing(thing, end) {
    this.things.push([thing, end]);
    return thing;
  }

  /** A test that shows the end of each log when it fails. */
  test(name, options, body = options) {
    const limits = { timeout: TEST_TIMEOUT, ...(typeof options === "object" ? options : {}) };
    test(name, limits, async (context) => {
      const from = this.processes.map((process) => process.mark());
      try {
        await body(context);
      } catch (error) {
        this.report(name, from);
        // What it left must not fail the next one.
        await this.sweep();
        throw error;
      }
    });
  }

  report(name, from) {
    for (const [index, process] of this.processes.entries()) {
      const lines = process.lines.slice(from[index] ?? 0).slice(-60);
      if (lines.length) console.error(`--- log of process ${process.pid} during "${name}"\n${lines.join("\n")}`);
    }
  }

  async server(options) {
    return this.closing(await new MainServer(options).listen(), (server) => server.close());
  }

  /** A directory that lasts as long as the suite. */
  async home() {
    return this.closing(await makeHome(), (home) => rm(home, { recursive: true, force: true }));
  }

  settings(more = {}) {
    // A machine in a namespace of its own has no physical interface, and a warning of that.
    return { DOCKHOST_LAN_IP: "127.0.0.1", DOCKHOST_PORT_START: this.ports.start, DOCKHOST_PORT_END: this.ports.end, ...more };
  }

  /** Any invocation of the program. */
  async launch(args, { settings = {}, home, ...options } = {}) {
    const where = home ?? (await this.home());
    const process = new Dockhost({ args, home: where, settings: this.settings(settings), ...options });
    this.processes.push(process);
    return this.closing(process, () => process.discard());
  }

  /** `run`, connected to a server of ours; stopped properly at the end of the suite unless it has ended. */
  async connect(server, { settings = {}, args = [], ...options } = {}) {
    const link = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key() };
    const process = await this.launch(["run", ...args], { settings: { ...link, ...settings }, ...options });
    this.closing(process, () => process.running && process.stop());
    const died = process.exit.then((code) => Promise.reject(new Error(`it ended with ${code}`)));
    died.catch(() => {});
    await Promise.race([server.backend(undefined, 30000), died]).catch((error) => {
      throw new Error(`${error.message}\n${process.tail()}`);
    });
    return process;
  }

  /** Runs a command to its end: `{ code, stdout, stderr }`. */
  async cli(args, options) {
    const process = await this.launch(args, options);
    const code = await process.ended(60000);
    return { code, stdout: process.stdout, stderr: process.stderr };
  }
}
