// A websocket server that speaks Engine.IO and Socket.IO by hand, frame by frame: for what a real server never sends.
import http from "node:http";
import { WebSocketServer } from "ws";
import { until } from "./until.mjs";

const OPEN = { sid: "scripted", upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 };

/** One connection. `received` has what came, text as string and binary as Buffer. */
export class Peer {
  constructor(socket, request) {
    this.socket = socket;
    this.request = request;
    this.received = [];
    this.closed = false;
    socket.on("error", () => {});
    socket.on("close", (code) => Object.assign(this, { closed: true, code }));
    socket.on("message", (data, binary) => this.received.push(binary ? data : data.toString()));
  }

  open(changes = {}) {
    this.send(`0${JSON.stringify({ ...OPEN, ...changes })}`);
  }

  /** Answers the CONNECT. */
  accept(data = { sid: "session" }) {
    this.send(`40${JSON.stringify(data)}`);
  }

  send(frame) {
    this.socket.send(frame);
  }

  event(name, payload, id = "") {
    this.send(`42${id}${JSON.stringify([name, payload])}`);
  }

  /** The first frame from `from` on that matches, once it is there. */
  frame(pattern, { from = 0, ...options } = {}) {
    const look = () => this.received.slice(from).find((data) => typeof data === "string" && pattern.test(data));
    return until(look, () => `a frame like ${pattern}; there are ${this.received.slice(-5).map(String).join(" ")}`, options);
  }

  /** The acknowledgement of event `id`: its one value. */
  async acknowledgement(id, options) {
    const frame = await this.frame(new RegExp(`^43${id}\\[`), options);
    return JSON.parse(frame.slice(frame.indexOf("[")))[0];
  }

  ended(options) {
    return until(() => this.closed, "the end of the connection", options);
  }
}

export class ScriptedServer {
  /** `greet(peer)` is called for each connection; without it a connection is opened and accepted. */
  constructor({ greet, open = {} } = {}) {
    this.greet = greet ?? ((peer) => this.welcome(peer, open));
    this.peers = [];
  }

  welcome(peer, open) {
    peer.open(open);
    peer.frame(/^40/).then(() => peer.accept(), () => {});
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  key() {
    return "scripted-key";
  }

  async listen(port = 0) {
    this.http = http.createServer();
    this.sockets = new WebSocketServer({ server: this.http, maxPayload: 64 * 1024 * 1024 });
    this.sockets.on("connection", (socket, request) => {
      const peer = new Peer(socket, request);
      this.peers.push(peer);
      this.greet(peer);
    });
    await new Promise((resolve, reject) => this.http.once("error", reject).listen(port, "127.0.0.1", resolve));
    this.port = this.http.address().port;
    return this;
  }

  /** The nth connection (from 1), or the newest, once it has sent its CONNECT. */
  async backend(_, timeout = 15000) {
    const find = () => this.peers.findLast((peer) => !peer.closed && peer.received.some((data) => /^40/.test(data)));
    return until(find, () => `a connection (${this.peers.length} so far)`, { timeout });
  }

  async peer(number, options) {
    return until(() => this.peers[number - 1], () => `connection ${number} (${this.peers.length} so far)`, options);
  }

  async close() {
    if (!this.http) return;
    const closed = new Promise((resolve) => this.http.close(resolve));
    for (const socket of this.sockets.clients) socket.terminate();
    await closed;
    this.http = undefined;
  }
}
