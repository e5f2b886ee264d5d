// A unix socket in front of the real Docker that understands HTTP: a rule may answer a call itself, late, wrong, in half
// or never, and see each call before and after Docker has done it. Without a rule everything passes.
import { rm } from "node:fs/promises";
import http from "node:http";
import { SOCKET } from "./docker.mjs";

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** One request of a client's: `method`, `path` (without the version), `query` (URLSearchParams), `body` (Buffer). */
class Call {
  constructor(docker, request, response, body) {
    const url = new URL(request.url, "http://docker");
    Object.assign(this, { docker, request, response, body, method: request.method, query: url.searchParams });
    this.path = url.pathname.replace(/^\/v\d+\.\d+/, "");
  }

  /** As in `call.is("POST", /\/start$/)`. */
  is(method, pattern) {
    return this.method === method && pattern.test(this.path);
  }

  /** Whether it is one of the background's: the stream of events and what finds the version. */
  get background() {
    return ["/events", "/version", "/_ping"].includes(this.path);
  }

  send() {
    const { method, url: path, headers } = this.request;
    const request = http.request({ socketPath: this.docker.target, agent: false, method, path, headers });
    request.end(this.body);
    return new Promise((resolve, reject) => request.once("response", resolve).once("error", reject));
  }

  /** Lets Docker do it, and resolves to its whole answer, which the client has not been given yet. */
  async forward() {
    const response = await this.send();
    return { status: response.statusCode, headers: response.headers, body: await collect(response) };
  }

  /** Answers with `body`: text, a Buffer, or a value for JSON. */
  answer(status, body, headers = {}) {
    const text = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body ?? {});
    this.response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(text);
  }

  /** Gives the client what `forward` resolved to. */
  relay({ status, body, headers }) {
    this.answer(status, body, { "Content-Type": headers["content-type"] ?? "text/plain" });
  }

  /** Half of an answer that announced more, then the end of the connection. */
  half(status, body) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    this.response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
    this.response.write(text.slice(0, text.length / 2), () => this.drop());
  }

  /** The connection ends without an answer. */
  drop() {
    this.request.socket.destroy();
  }

  /** No answer comes, and the connection stays. */
  hang() {}

  /** What happens without a rule: Docker's answer as it comes. */
  async pass() {
    const answer = await this.send();
    this.response.writeHead(answer.statusCode, answer.headers).flushHeaders();
    this.response.once("close", () => answer.destroy());
    answer.on("error", () => this.drop()).pipe(this.response);
  }
}

export class ScriptedDocker {
  constructor(path, target = SOCKET) {
    Object.assign(this, { path, target, calls: [], rule: undefined });
  }

  get host() {
    return `unix://${this.path}`;
  }

  /** `rule(call)` takes charge of a call by returning true (a promise of it too), once it has answered or will. */
  use(rule) {
    this.rule = rule;
    return this;
  }

  /** Calls seen so far that match, in order: `seen("POST", /create$/)`. */
  seen(method, pattern) {
    return this.calls.filter((call) => call.is(method, pattern));
  }

  async open() {
    this.server = http.createServer((request, response) => this.take(request, response));
    this.server.keepAliveTimeout = 60000;
    this.server.on("clientError", (_, socket) => socket.destroy());
    await new Promise((resolve, reject) => this.server.once("error", reject).listen(this.path, resolve));
    return this;
  }

  async take(request, response) {
    request.on("error", () => {});
    response.on("error", () => {});
    try {
      const call = new Call(this, request, response, await collect(request));
      this.calls.push(call);
      if (!(await this.rule?.(call))) await call.pass();
    } catch {
      request.socket.destroy();
    }
  }

  /** As when the daemon dies: nobody listens, and what was open is reset. */
  async close() {
    if (!this.server) return;
    const { server } = this;
    this.server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    await rm(this.path, { force: true });
  }
}
