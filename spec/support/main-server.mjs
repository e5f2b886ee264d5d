// A small main server: socket.io with the deployed one's key check and registration of backends.
// Alone, `node main-server.mjs [PORT]` prints the settings for a dockhost and sends what is typed: EVENT JSON.
import { randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Server as Server4 } from "socket.io";
import { Server as Server3 } from "socket.io-3";
import { makeKey, readKey } from "./api-key.mjs";
import { until, within } from "./until.mjs";

const SERVERS = { 3: Server3, 4: Server4 };
const REPLY_TIMEOUT = 60000;

export class MainServer {
  /**
   * `version` is socket.io's major one; `namespace` where backends connect; `tls` is { cert, key } of a server by https;
   * other options go to socket.io.
   */
  constructor({ version = 4, namespace = "/", secret = randomBytes(16).toString("hex"), tls, ...options } = {}) {
    Object.assign(this, { version, namespace, secret, tls, options });
    this.backends = new Map();
    this.connections = [];
    this.disconnects = [];
    this.refusals = [];
    this.received = [];
  }

  async listen(port = this.port ?? 0, host = "127.0.0.1") {
    this.http = this.tls ? https.createServer(this.tls) : http.createServer();
    this.io = new SERVERS[this.version](this.http, this.options);
    const namespace = this.io.of(this.namespace);
    namespace.use((socket, next) => this.admit(socket, next));
    namespace.on("connection", (socket) => this.welcome(socket));
    await new Promise((resolve, reject) => {
      this.http.once("error", reject).listen(port, host, resolve);
    });
    this.port = this.http.address().port;
    return this;
  }

  async close() {
    if (!this.io) return;
    const { io } = this;
    this.io = undefined;
    await new Promise((resolve) => io.close(resolve));
  }

  get url() {
    return `${this.tls ? "https://localhost" : "http://127.0.0.1"}:${this.port}${this.namespace === "/" ? "" : this.namespace}`;
  }

  key(id = "backend-1", options = {}) {
    return makeKey(this.secret, { id, ...options });
  }

  // The deployed server registers here, before the socket has connected, and only backends show a key.
  admit(socket, next) {
    const { query, auth } = socket.handshake;
    if (query.role !== "backend") return next(new Error("this server knows only backends"));
    const claims = readKey(this.secret, auth.DOCKHOST_API_KEY);
    if (!claims) {
      this.refusals.push(auth.DOCKHOST_API_KEY);
      return next(new Error("Invalid DOCKHOST_API_KEY"));
    }
    socket.backendId = claims._id;
    this.backends.set(claims._id, socket);
    return next();
  }

  welcome(socket) {
    this.connections.push(socket);
    socket.onAny((event, ...args) => this.received.push({ event, args }));
    // Whichever socket of the key it was: the deployed server's own mistake, which a node must live with.
    socket.on("disconnect", (reason) => {
      this.disconnects.push(reason);
      this.backends.delete(socket.backendId);
    });
  }

  connected(id = "backend-1") {
    const socket = this.backends.get(id);
    return socket && socket.connected && this.connections.includes(socket) ? socket : undefined;
  }

  /** The socket of a backend that has connected. */
  backend(id = "backend-1", timeout = 15000) {
    const what = () => `backend ${id} to connect (${this.connections.length} connections, ${this.refusals.length} refusals)`;
    return until(() => this.connected(id), what, { timeout });
  }

  /** Emits with an acknowledgement and resolves to it. */
  async ask(event, ...args) {
    const socket = await this.backend();
    const answer = new Promise((resolve) => socket.emit(event, ...args, (...values) => resolve(values)));
    const values = await within(answer, `the acknowledgement of ${event}`, REPLY_TIMEOUT);
    if (values.length !== 1) throw new Error(`${values.length} values acknowledge ${event}`);
    return values[0];
  }

  /** Emits without an acknowledgement and resolves to the next event called `name`, as the deployed server waits. */
  async tell(event, name, ...args) {
    const socket = await this.backend();
    const answer = new Promise((resolve) => socket.once(name, resolve));
    socket.emit(event, ...args);
    return within(answer, `the event ${name} that answers ${event}`, REPLY_TIMEOUT);
  }
}

function prompt(server) {
  createInterface({ input: process.stdin }).on("line", async (line) => {
    try {
      const [, event, json] = /^(\S+)\s*(.*)$/.exec(line.trim());
      console.log(JSON.stringify(await server.ask(event, JSON.parse(json || "{}"))));
    } catch (error) {
      console.error(error.message);
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await new MainServer().listen(Number(process.argv[2] ?? 3000));
  console.log(`MAIN_SERVER_BACKEND_URL=${server.url}\nDOCKHOST_API_KEY=${server.key()}`);
  prompt(server);
}
