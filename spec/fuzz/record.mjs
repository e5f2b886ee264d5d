// Records the seeds of the fuzzers anew: real socket.io servers, a real Docker, and the built program between them.
// Usage: DOCKHOST_TEST_IMAGE=… node spec/fuzz/record.mjs, after `make test` has set all up.
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Dockhost, makeHome, ROOT } from "../support/dockhost.mjs";
import * as docker from "../support/docker.mjs";
import { MainServer } from "../support/main-server.mjs";
import { makeKeyPair } from "../support/ssh.mjs";
import { until } from "../support/until.mjs";

const SEEDS = join(ROOT, "spec/fuzz/seeds");
const USER = "fuzz-seed";
const PORTS = { DOCKHOST_PORT_START: 23900, DOCKHOST_PORT_END: 23990 };
const LARGEST = 16 * 1024;

// What tells of the machine, and does not matter: other words of the same length stand for it.
const { DockerRootDir, KernelVersion } = await docker.info();

function scrubbed(content) {
  let text = content.toString("latin1");
  for (const own of [DockerRootDir, KernelVersion]) text = text.replaceAll(own, own.replaceAll(/[^/.-]/g, "0"));
  return Buffer.from(text, "latin1");
}

async function save(target, name, content) {
  await mkdir(join(SEEDS, target), { recursive: true });
  if (content.length <= LARGEST) await writeFile(join(SEEDS, target, name), scrubbed(content));
}

/** Passes connections on, and keeps what each direction said, in the order of its coming. */
class Recorder {
  constructor(far) {
    this.far = far;
    this.connections = [];
  }

  async listen(...where) {
    this.server = net.createServer((near) => {
      const far = net.connect(this.far);
      const said = [];
      this.connections.push(said);
      for (const [from, to, side] of [[near, far, "near"], [far, near, "far"]]) {
        from.on("data", (data) => {
          if (said.at(-1)?.side === side) said.at(-1).data = Buffer.concat([said.at(-1).data, data]);
          else said.push({ side, data });
          to.write(data);
        });
        from.on("end", () => to.end());
        from.on("error", () => to.destroy());
      }
    });
    await new Promise((resolve) => this.server.listen(...where, resolve));
    return this;
  }

  /** What the far side answered: `[{ request, answer }]`, as bytes. */
  exchanges() {
    return this.connections.flatMap((said) => said.flatMap(({ side, data }, i) =>
      (side === "near" && said[i + 1] ? [{ request: data.toString("latin1"), answer: said[i + 1].data }] : [])));
  }

  /** Ends it, and gives up what is still open. */
  close() {
    this.server.close();
  }
}

function dechunked(body) {
  const parts = [];
  for (let at = 0, size; at < body.length; at += size + 2) {
    const end = body.indexOf("\r\n", at);
    size = parseInt(body.subarray(at, end).toString(), 16);
    if (!size) break;
    at = end + 2;
    parts.push(body.subarray(at, at + size));
  }
  return Buffer.concat(parts);
}

function parsed(answer) {
  const end = answer.indexOf("\r\n\r\n");
  const head = answer.subarray(0, end).toString();
  const body = answer.subarray(end + 4);
  return { status: head.split(" ")[1], body: /transfer-encoding: chunked/i.test(head) ? dechunked(body) : body };
}

/** Text and binary messages of a server, which does not mask. */
function messages(bytes) {
  const found = [];
  for (let at = bytes.indexOf("\r\n\r\n") + 4; at + 2 <= bytes.length;) {
    let size = bytes[at + 1];
    const opcode = bytes[at] & 15;
    at += 2;
    if (size === 126) [size, at] = [bytes.readUInt16BE(at), at + 2];
    if (opcode <= 2) found.push({ binary: opcode === 2, data: bytes.subarray(at, at + size) });
    at += size;
  }
  return found;
}

// One line an answer, as targets/docker.lua reads it.
const escaped = (body) => body.toString("latin1").replaceAll("\n", "\\n").replace(/[^ -~]/g, (c) =>
  `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

const HTTP_CALLS = [[/\/stats/, 2], [/\/containers\/json/, 1], [/\/networks\/create/, 3], [/\/start/, 4], [/\/archive/, 5],
  [/\/logs/, 6], [/\/events/, 7], [/\/images\/create/, 8], [/\/version/, 9], [/./, 0]];

// One of each kind is enough.
const seen = new Set();

async function saveAnswer(call, status, answer, body) {
  const name = `${call}-${status}`;
  if (seen.has(name)) return;
  seen.add(name);
  await save("http", name, Buffer.concat([Buffer.from([seen.size % 5, 0, call]), answer]));
  if (/^[[{]/.test(body)) await save("json", `docker-${name}`, body);
}

async function recordDocker(home, publicKey) {
  const commands = [
    ["create-container", { username: USER, sshPublicKey: publicKey, startingPort: 23900 }],
    ["create-container", { username: USER, sshPublicKey: publicKey }],
    ["container-status", { username: USER }],
    ["container-logs", { username: USER, tail: 5 }],
    ["list-containers", {}],
    ["check_if_container_running", { USERNAME: USER }],
    ["stop_container", { USERNAME: USER }],
    ["resume_container", { USERNAME: USER }],
    ["delete-container", { username: USER }],
    ["container-status", { username: USER }],
  ];
  for (const [index, [event, payload]] of commands.entries()) {
    const path = join(home, `docker-${index}.sock`);
    const recorder = await new Recorder({ path: docker.SOCKET }).listen(path);
    const settings = { ...PORTS, DOCKER_HOST: `unix://${path}` };
    await new Dockhost({ args: ["call", event, JSON.stringify(payload)], home, settings }).ended(60000);
    recorder.close();
    const lines = [`${event} ${JSON.stringify(payload)}`];
    for (const { request, answer } of recorder.exchanges()) {
      const { status, body } = parsed(answer);
      const line = request.split("\r\n")[0];
      lines.push(`${status} ${escaped(body)}`);
      const call = HTTP_CALLS.find(([pattern]) => pattern.test(line))[1];
      await saveAnswer(call, status, answer, body);
    }
    await save("docker", `${index}-${event}`, lines.join("\n"));
  }
}

/** What a real server of that version sends while it gives commands. */
async function recordServer(version, home, publicKey) {
  const server = await new MainServer({ version, connectionStateRecovery: {} }).listen();
  const recorder = await new Recorder({ port: server.port, host: "127.0.0.1" }).listen(0, "127.0.0.1");
  const settings = { ...PORTS, DOCKHOST_API_KEY: server.key(),
    MAIN_SERVER_BACKEND_URL: `http://127.0.0.1:${recorder.server.address().port}` };
  const node = new Dockhost({ args: ["run"], home, settings });
  await until(() => server.backends.size > 0, () => node.tail());
  const backend = [...server.backends.values()][0];
  await backend.emitWithAck?.("list-containers", {});
  const replies = [
    ["start_container", { SSH_PUB_KEY: publicKey, USERNAME: USER, startingPortNo: 23900 }],
    ["check_if_container_exists", { USERNAME: USER }],
    ["container-status", { username: USER, blob: Buffer.from([1, 2, 3]) }],
    ["delete_container", { USERNAME: USER }],
  ];
  for (const [event, payload] of replies) {
    const reply = new Promise((resolve) => backend.once(USER, resolve));
    backend.emit(event, payload);
    await reply;
  }
  await node.stop();
  await server.close();
  recorder.close();
  const bytes = Buffer.concat(recorder.connections[0].filter(({ side }) => side === "far").map(({ data }) => data));
  const lines = messages(bytes).map(({ binary, data }) => (binary ? `b${data.toString("latin1")}` : `<${data}`));
  await save("session", `socket.io-${version}`, Buffer.from(lines.join("\n"), "latin1"));
  await save("node", `socket.io-${version}`, Buffer.from(lines.slice(2).join("\n"), "latin1"));
  const frames = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  await save("websocket", `socket.io-${version}`, Buffer.concat([Buffer.from([5]), frames]));
  await save("keys", `jwt-${version}`, `j${server.key()}`);
}

async function recordKeys(home, publicKey) {
  await save("keys", "ed25519", `k${publicKey}`);
  for (const type of ["rsa", "ecdsa"]) {
    const file = join(home, type);
    await promisify(execFile)("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "spec@dockhost", "-f", file]);
    await save("keys", type, `k${await readFile(`${file}.pub`, "utf8")}`);
  }
  await save("keys", "payload", `p${JSON.stringify({ USERNAME: USER, SSH_PUB_KEY: publicKey, startingPortNo: "3100" })}`);
}

const home = await makeHome();
const pair = await makeKeyPair();
try {
  await recordDocker(home, pair.publicKey);
  for (const version of [3, 4]) await recordServer(version, home, pair.publicKey);
  await recordKeys(home, pair.publicKey);
} finally {
  await pair.remove();
  await rm(home, { recursive: true, force: true });
  await docker.remove(USER);
}
