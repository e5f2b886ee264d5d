// A TCP proxy that does to a connection what networks do: swallows, delays, splits and resets.
import net from "node:net";

/** One connection through the proxy. `delay` (ms) is its own, where it has one. */
class Pair {
  constructor(proxy, near) {
    this.proxy = proxy;
    this.near = near;
    this.far = net.connect(proxy.target);
    this.silent = false;
    this.join(near, this.far);
    this.join(this.far, near);
  }

  join(from, to) {
    from.setNoDelay(true);
    from.on("data", (chunk) => this.carry(chunk, to));
    from.on("error", () => this.silent || to.destroy());
    from.on("close", () => {
      this.proxy.pairs.delete(this);
      if (!this.silent) to.end();
    });
  }

  // What was swallowed never arrives, as on a link that is gone; neither does the end of either side.
  carry(chunk, to) {
    if (this.silent) return;
    const { split } = this.proxy;
    const delay = this.delay ?? this.proxy.delay;
    const pieces = split ? Array.from({ length: Math.ceil(chunk.length / split) }, (_, i) => chunk.subarray(i * split, (i + 1) * split)) : [chunk];
    const write = () => pieces.forEach((piece) => to.destroyed || to.write(piece));
    if (delay) setTimeout(write, delay);
    else write();
  }

  reset() {
    for (const socket of [this.near, this.far]) socket.resetAndDestroy();
  }

  destroy() {
    for (const socket of [this.near, this.far]) socket.destroy();
  }
}

export class FaultProxy {
  /** `target`: a port, or what net.connect takes. */
  constructor(target) {
    this.target = typeof target === "number" ? { port: target, host: "127.0.0.1" } : target;
    this.pairs = new Set();
    this.swallowed = new Set();
    this.accepting = true;
    this.delay = 0;
    this.split = 0;
  }

  get port() {
    return this.server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(port = 0) {
    this.server = net.createServer((near) => this.take(near));
    await new Promise((resolve, reject) => this.server.once("error", reject).listen(port, "127.0.0.1", resolve));
    return this;
  }

  take(near) {
    if (this.accepting) {
      const pair = new Pair(this, near);
      this.pairs.add(pair);
    } else {
      // Connected, and never answered.
      near.on("error", () => {});
      this.swallowed.add(near);
      near.on("close", () => this.swallowed.delete(near));
    }
  }

  /** The connections that are open now go silent in both directions; with `{ all: true }` new ones are swallowed too. */
  blackhole({ all = false } = {}) {
    for (const pair of this.pairs) pair.silent = true;
    if (all) this.accepting = false;
  }

  /** New connections pass again. Those that went silent stay so. */
  heal() {
    this.accepting = true;
    for (const socket of this.swallowed) socket.destroy();
  }

  /** Every open connection ends with RST on both sides. */
  reset() {
    for (const pair of this.pairs) pair.reset();
  }

  async close() {
    if (!this.server) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const pair of this.pairs) pair.destroy();
    for (const socket of this.swallowed) socket.destroy();
    await closed;
    this.server = undefined;
  }
}
