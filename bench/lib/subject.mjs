// The programs that are compared, each a process with the same settings.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../../spec/support/until.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
export const BINARY = resolve(process.env.DOCKHOST_BIN ?? join(HERE, "../build/dockhost"));
export const IMAGE = process.env.DOCKHOST_TEST_IMAGE ?? "dockhost-test/instance";
export const PORT_START = 40000;

const COMMANDS = {
  dockhost: [BINARY, "run", join(HERE, "scripts")],
  agent: [process.execPath, join(HERE, "agent.mjs")],
};

/** One running program: `dockhost` or the Node `agent`. */
export class Subject {
  constructor(kind, server, settings = {}) {
    Object.assign(this, { kind, server, settings, id: settings.id ?? kind });
  }

  async start() {
    this.home = await mkdtemp(join(tmpdir(), "dockhost-bench-"));
    const [program, ...args] = COMMANDS[this.kind];
    const env = {
      PATH: process.env.PATH, HOME: this.home, DOCKHOST_STATE: this.home, DOCKHOST_IMAGE: IMAGE, DOCKHOST_PULL: "never",
      DOCKHOST_CONSOLE: "off", DOCKHOST_PORT_START: PORT_START, DOCKHOST_MAX_CONTAINERS: 60000, DOCKHOST_LAN_IP: "127.0.0.1",
      MAIN_SERVER_BACKEND_URL: this.server.url, DOCKHOST_API_KEY: this.server.key(this.id), ...this.settings.env,
    };
    const before = this.server.connections.length;
    this.log = "";
    this.began = performance.now();
    this.child = spawn(program, args, { cwd: this.home, env, stdio: ["ignore", "ignore", "pipe"] });
    this.child.stderr.on("data", (text) => (this.log = (this.log + text).slice(-4000)));
    this.ended = new Promise((done) => this.child.once("close", done));
    const accepted = () => this.server.connections.slice(before).find((socket) => socket.backendId === this.id && socket.connected);
    this.socket = await until(accepted, () => `${this.kind} to connect: ${this.log}`, { every: 1, timeout: 30000 });
    return this;
  }

  /** Milliseconds from the spawn to the acceptance, by the server's clock. */
  get accepted() {
    return this.socket.acceptedAt - this.began;
  }

  ask(event, payload) {
    return new Promise((done) => this.socket.emit(event, payload, done));
  }

  async timed(event, payload) {
    const began = performance.now();
    const reply = await this.ask(event, payload);
    return { ms: performance.now() - began, reply };
  }

  /** `{ resident, private }` in MB. */
  memory() {
    const text = readFileSync(`/proc/${this.child.pid}/smaps_rollup`, "utf8");
    const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)[1]) / 1024;
    return { resident: field("Rss"), private: field("Private_Dirty") };
  }

  /** `{ switches, cpu }`: context switches of all threads, and CPU time in ms (ticks of 10). */
  work() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    const switches = [...status.matchAll(/ctxt_switches:\s+(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    const nanoseconds = Number(readFileSync(`/proc/${this.child.pid}/schedstat`, "utf8").split(" ")[0]);
    return { switches, cpu: nanoseconds / 1e6 };
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    await rm(this.home, { recursive: true, force: true });
  }
}
