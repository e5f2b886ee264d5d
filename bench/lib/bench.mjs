// What every figure has: a server, the subjects, the raw API, users of its own, and rows of the table.
import { MainServer } from "../../spec/support/main-server.mjs";
import * as docker from "../../spec/support/docker.mjs";
import { makeKeyPair } from "../../spec/support/ssh.mjs";
import { RawDocker } from "./raw-docker.mjs";
import { quantile, summary } from "./statistics.mjs";
import { Subject } from "./subject.mjs";

const PREFIX = "bench-";

export class Bench {
  constructor() {
    this.rows = [];
    this.counter = 0;
    this.raw = new RawDocker();
    this.open = [];
  }

  async server(options) {
    const server = await new MainServer(options).listen();
    const { welcome } = server;
    server.welcome = (socket) => {
      socket.acceptedAt = performance.now();
      welcome.call(server, socket);
    };
    this.open.push(() => server.close());
    return server;
  }

  async subject(kind, server, settings) {
    const subject = await new Subject(kind, server, settings).start();
    this.open.push(() => subject.stop());
    return subject;
  }

  async key() {
    this.pair ??= await makeKeyPair();
    return this.pair.publicKey;
  }

  user() {
    this.counter += 1;
    return `${PREFIX}${process.pid}-${this.counter}`;
  }

  /** Runs the alternatives in turn, `rounds` times, so that a slow moment of the machine meets all; `{ name: [ms, …] }`. */
  async alternate(rounds, alternatives) {
    const found = Object.fromEntries(Object.keys(alternatives).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, run] of Object.entries(alternatives)) found[name].push(await run(round));
    }
    return found;
  }

  /** Adds a row. `values`: samples by subject. `goal(medians)`: whether it is reached, and the goal in words. */
  row(figure, unit, values, { goal, met } = {}) {
    const parts = Object.fromEntries(Object.entries(values).map(([name, list]) => [name, summary([list].flat())]));
    const medians = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.median]));
    const row = { figure, unit, ...parts, goal, met: met ? met(medians) : undefined };
    this.rows.push(row);
    return row;
  }

  quantile(values, q) {
    return quantile(values, q);
  }

  /** Ends what a figure started, and removes its containers. */
  async clean() {
    for (const end of this.open.reverse()) await end();
    this.open = [];
    const mine = await docker.list({ label: ["dockhost.managed=true"] });
    const left = mine.filter(({ Labels }) => Labels["dockhost.username"].startsWith(PREFIX));
    for (let at = 0; at < left.length; at += 8) await Promise.all(left.slice(at, at + 8).map(({ Id }) => docker.remove(Id)));
  }
}
