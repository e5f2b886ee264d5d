// Starts the built binary with settings of its own and watches its log.
import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { until, within } from "./until.mjs";

export const ROOT = resolve(fileURLToPath(import.meta.url), "../../..");
export const BINARY = resolve(process.env.DOCKHOST_BIN || join(ROOT, "build/dockhost"));
export const WRAPPER = (process.env.DOCKHOST_WRAPPER || "").split(" ").filter(Boolean);
export const IMAGE = process.env.DOCKHOST_TEST_IMAGE || "sohampirale/instance:latest";
const STOP_TIMEOUT = 20000;

/** The environment of a dockhost: nothing of ours but what a process needs, and the given settings. */
export function environment(home, settings) {
  const base = { PATH: process.env.PATH, HOME: home, TMPDIR: tmpdir(), DOCKHOST_STATE: join(home, "state"),
    DOCKHOST_IMAGE: IMAGE, DOCKHOST_PULL: "never", DOCKHOST_CONSOLE: "off" };
  for (const name of ["DOCKER_HOST", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"]) {
    if (process.env[name]) base[name] = process.env[name];
  }
  const merged = Object.entries({ ...base, ...settings }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(merged.map(([name, value]) => [name, String(value)]));
}

export const makeHome = () => mkdtemp(join(tmpdir(), "dockhost-spec-"));

/** One process of the program. `args` are its own; `wrapper` runs it (valgrind, strace); `binary` is another copy of it;
 * `input` is piped to it, all of its input where that is a text, else `type` adds to it. */
export class Dockhost {
  constructor({ args, home, settings = {}, cwd = home, wrapper = WRAPPER, binary = BINARY, input }) {
    const [program, ...rest] = [...wrapper, binary, ...args];
    this.home = home;
    this.stderr = "";
    this.stdout = "";
    const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
    this.child = spawn(program, rest, { cwd, env: environment(home, settings), stdio });
    // One that has ended takes no more.
    this.child.stdin?.on("error", () => {});
    if (typeof input === "string") this.child.stdin.end(input);
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.stderr += text));
    this.child.stdout.setEncoding("utf8").on("data", (text) => (this.stdout += text));
    this.exit = new Promise((done) => {
      this.child.once("error", (error) => done(error.message));
      this.child.once("close", (code, signal) => done(code ?? signal));
    }).then((code) => (this.code = code));
  }

  get pid() {
    return this.child.pid;
  }

  get running() {
    return this.code === undefined;
  }

  get lines() {
    return this.stderr.split("\n").filter(Boolean);
  }

  tail(count = 40) {
    return this.lines.slice(-count).join("\n");
  }

  /** How much was logged so far: a place that `line` and `count` can start from. */
  mark() {
    return this.lines.length;
  }

  matching(pattern, from = 0) {
    return this.lines.slice(from).filter((line) => pattern.test(line));
  }

  /** The first log line that matches, once it is there. */
  async line(pattern, { from = 0, timeout = 15000 } = {}) {
    const look = () => {
      const found = this.matching(pattern, from)[0];
      if (!found && !this.running) throw new Error(`it ended (${this.code}) without logging ${pattern}\n${this.tail()}`);
      return found;
    };
    return until(look, () => `a log line like ${pattern}; the log ends:\n${this.tail()}`, { timeout });
  }

  type(text) {
    this.child.stdin.write(text);
  }

  signal(name) {
    this.child.kill(name);
  }

  /** Its exit code (or the signal that ended it, or why it could not start). */
  ended(timeout = STOP_TIMEOUT) {
    return within(this.exit, () => `its end; the log ends:\n${this.tail()}`, timeout);
  }

  /** SIGTERM, which must end it with 0. */
  async stop() {
    if (this.running) this.signal("SIGTERM");
    const code = await this.ended();
    if (code !== 0) throw new Error(`dockhost ended with ${code} on SIGTERM\n${this.tail()}`);
  }

  async discard() {
    if (this.running) this.signal("SIGKILL");
    await this.exit;
  }
}
