// Speaks HTTP to a console exactly as it is told to, and reads streams of server-sent events.
import http from "node:http";
import { until, within } from "./until.mjs";

const TIMEOUT = 15000;

export class Console {
  constructor(port, token) {
    Object.assign(this, { port, token, host: `127.0.0.1:${port}` });
    this.streams = new Set();
  }

  /** The bare exchange: no header of ours but Host, and that one only where `headers` has none. `null` leaves one out. */
  send(method, path, { headers = {}, body, agent = false } = {}) {
    const all = Object.fromEntries(Object.entries({ host: this.host, ...headers }).filter(([, value]) => value !== null));
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.port, method, path, headers: all, agent, setHost: false };
      http.request(options, resolve).on("error", reject).end(body);
    });
  }

  /** `{ status, headers, text }` of a request without the token. */
  async ask(method, path, options) {
    const response = await within(this.send(method, path, options), `an answer to ${method} ${path}`, TIMEOUT);
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
  }

  get bearer() {
    return { authorization: `Bearer ${this.token}` };
  }

  get(path, headers = {}) {
    return this.ask("GET", path, { headers: { ...this.bearer, ...headers } });
  }

  async json(path) {
    return JSON.parse((await this.get(path)).text);
  }

  /** `{ status, reply }` of a command. */
  async command(event, payload, headers = {}) {
    const answer = await this.ask("POST", `/api/commands/${event}`, {
      headers: { ...this.bearer, "content-type": "application/json", ...headers }, body: JSON.stringify(payload),
    });
    return { ...answer, reply: JSON.parse(answer.text) };
  }

  /** A stream of events, to be closed. */
  async watch(path = "/api/events", headers = this.bearer) {
    const response = await within(this.send("GET", path, { headers }), `the stream ${path}`, TIMEOUT);
    const stream = new EventStream(response);
    this.streams.add(stream);
    return stream;
  }

  close() {
    for (const stream of this.streams) stream.close();
  }
}

export class EventStream {
  constructor(response) {
    this.response = response;
    this.events = [];
    this.rest = "";
    this.ended = false;
    response.setEncoding("utf8").on("data", (text) => this.take(text));
    response.on("error", () => (this.ended = true)).on("close", () => (this.ended = true));
  }

  get status() {
    return this.response.statusCode;
  }

  take(text) {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop();
    for (const block of blocks) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (name) this.events.push({ name, value: JSON.parse(data), at: performance.now() });
    }
  }

  /** A place that `next` can start from. */
  mark() {
    return this.events.length;
  }

  /** The value of the first event of that name, from a mark on, of which `accepts` is true. */
  async next(name, accepts = () => true, { from = 0, timeout = TIMEOUT } = {}) {
    const look = () => this.events.slice(from).find((event) => event.name === name && accepts(event.value));
    const names = () => this.events.slice(from).map((event) => event.name).join(" ");
    return (await until(look, () => `an event ${name}; there were: ${names()}`, { timeout })).value;
  }

  close() {
    this.response.destroy();
  }
}
