// A unix socket that passes everything on to the real Docker, and can go away and come back.
import { rm } from "node:fs/promises";
import net from "node:net";
import { SOCKET } from "./docker.mjs";

export class DockerProxy {
  constructor(path) {
    this.path = path;
    this.sockets = new Set();
  }

  get host() {
    return `unix://${this.path}`;
  }

  async open() {
    this.server = net.createServer((near) => this.join(near, net.connect(SOCKET)));
    await new Promise((resolve, reject) => this.server.once("error", reject).listen(this.path, resolve));
    return this;
  }

  join(near, far) {
    for (const [from, to] of [[near, far], [far, near]]) {
      this.sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => this.sockets.delete(from));
      from.pipe(to);
    }
  }

  /** As when the daemon dies: nobody listens, and what was open is reset. */
  async close() {
    if (!this.server) return;
    const { server } = this;
    this.server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    await rm(this.path, { force: true });
  }
}
