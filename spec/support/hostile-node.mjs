// A node whose main server is hostile and whose Docker may be looked at, but not changed; and what must hold after
// whatever was done to it.
import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, WRAPPER } from "./dockhost.mjs";
import { figures, watchFigures } from "./process-figures.mjs";
import { ScriptedDocker } from "./scripted-docker.mjs";
import { ScriptedServer } from "./scripted-server.mjs";
import { succeeded } from "./shapes.mjs";
import { until } from "./until.mjs";

/** The memory of a process under a sanitizer or valgrind is theirs. */
export const INSTRUMENTED = WRAPPER.length > 0 || Boolean(process.env.ASAN_OPTIONS);
export const MB = 1024;

// No ping is due while a test lasts.
const CALM = { pingInterval: 300000, pingTimeout: 300000, maxPayload: 1000000 };
const LOGGED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info |warn |error) |^\d+ lines? dropped$/;
const CLOSING = /connection: .*; next try in/;
const REPEATED = / … repeated (\d+) times/;
const REASON = /(lost|reached|refuses this node): .{8,}; next try|was lost; next try/;

export function welcome(peer) {
  peer.open(CALM);
  peer.accept();
}

// Redials at once, so that a connection costs nothing.
async function scripts(home) {
  const directory = join(home, "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  await writeFile(join(directory, "reconnect.lua"), "return function() return 0 end\n");
  return directory;
}

export class HostileNode {
  constructor(suite) {
    Object.assign(this, { suite, changes: [], rule: undefined, id: 0 });
  }

  async open() {
    const { suite } = this;
    const home = await suite.home();
    this.docker = suite.closing(new ScriptedDocker(join(home, "docker.sock")).use((call) => this.guard(call)), (it) => it.close());
    await this.docker.open();
    this.server = suite.closing(await new ScriptedServer({ greet: welcome }).listen(), (it) => it.close());
    const settings = { DOCKER_HOST: this.docker.host, DEBUG: "dockhost:connection" };
    this.dockhost = await suite.connect(this.server, { home, settings, args: [await scripts(home)] });
    await this.dockhost.line(/Docker answers/);
    await this.validCommand();
    this.idle = await this.figures();
  }

  /** Anything that would change Docker is refused, and remembered. */
  guard(call) {
    if (call.method === "GET") return this.rule?.(call);
    this.changes.push(`${call.method} ${call.path}`);
    call.answer(500, { message: "not in this suite" });
    return true;
  }

  figures() {
    return figures(this.dockhost.pid);
  }

  watch(every = 10) {
    return watchFigures(this.dockhost.pid, every);
  }

  peer() {
    return this.server.backend();
  }

  /** On a new connection, whatever was done to the last one. */
  async freshPeer() {
    const { peers } = this.server;
    const last = await this.peer();
    last.socket.terminate();
    const peer = await until(() => peers[peers.indexOf(last) + 1], "a new connection", { every: 2 });
    await peer.frame(/^40/, { every: 2 });
    return peer;
  }

  async validCommand() {
    const peer = await this.freshPeer();
    this.id += 1;
    peer.event("list-containers", { username: this.suite.user() }, this.id);
    assert.ok(Array.isArray(succeeded(await peer.acknowledgement(this.id)).containers));
    this.docker.calls.length = 0;
  }

  /** The process is the same, holds what it held, and has changed nothing. `most`: the figures of its worst moment. */
  async assertUnharmed(most, limit = 64 * MB) {
    const { dockhost, idle } = this;
    await this.validCommand();
    assert.ok(dockhost.running, dockhost.tail());
    assert.deepEqual(this.changes, []);
    assert.deepEqual(dockhost.lines.filter((line) => !LOGGED.test(line)), [], "the log has only lines of ours");
    let now;
    const settled = async () => {
      now = await this.figures();
      return now.descriptors <= idle.descriptors + 8;
    };
    await until(settled, () => `the descriptors to fall from ${now.descriptors} to about ${idle.descriptors}`);
    assert.equal(now.threads, idle.threads);
    if (!most) return;
    console.log(`  resident KiB: idle ${idle.rss}, most ${most.rss}, now ${now.rss}; descriptors: ${idle.descriptors}, ${most.descriptors}, ${now.descriptors}`);
    if (!INSTRUMENTED) assert.ok(most.rss < limit, `it grew to ${most.rss} KiB`);
  }

  /** How many connections have ended so far, how many lines say why, and for how many of them those stand. */
  endings() {
    const lines = this.dockhost.matching(CLOSING);
    const told = lines.reduce((sum, line) => sum + Number(REPEATED.exec(line)?.[1] ?? 1), 0);
    return { closed: this.server.peers.filter((peer) => peer.closed).length, lines: lines.length, told };
  }

  /** Each connection that ended since then has its one line, with a reason; unless the log's reader was too slow. */
  async assertReasons(since) {
    const count = this.endings().closed - since.closed;
    const dropped = () => this.dockhost.matching(/^\d+ lines? dropped/).reduce((sum, line) => sum + parseInt(line, 10), 0);
    const told = () => this.endings().told - since.told;
    await until(() => told() + dropped() >= count, () => `${count} reasons; there are ${told()}`);
    const lines = this.dockhost.matching(CLOSING).slice(since.lines);
    assert.ok(told() <= count, `${told()} reasons for ${count} endings`);
    for (const line of lines) assert.match(line, REASON);
  }
}
