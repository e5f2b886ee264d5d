// Servers that are not what a node needs: each listens on a port of its own until the suite ends.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { WebSocketServer } from "ws";

const run = promisify(execFile);
// The daemon tells of each half MiB.
const PIECE = 600000;
const PIECE_EVERY = 150;
// Docker's names of Node's.
const ARCHITECTURES = { x64: "amd64", ia32: "386" };

async function listening(suite, server, where = { port: 0, host: "127.0.0.1" }) {
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket.on("close", () => sockets.delete(socket))));
  await new Promise((resolve, reject) => server.once("error", reject).listen(where, resolve));
  return suite.closing(server, () => new Promise((done) => {
    server.close(done);
    for (const socket of sockets) socket.destroy();
  }));
}

/** Answers every request so; `path` serves on a unix socket instead. */
export async function answering(suite, status, headers, body, { tls, path } = {}) {
  const listener = (request, response) => response.writeHead(status, headers).end(body);
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  await listening(suite, server, path ? { path } : undefined);
  return { server, port: server.address().port, url: `${tls ? "https://localhost" : "http://127.0.0.1"}:${server.address().port}` };
}

/** Takes connections and says nothing. */
export async function mute(suite, where) {
  const server = await listening(suite, net.createServer(() => {}), where);
  return { server, port: server.address().port, url: `http://127.0.0.1:${server.address().port}` };
}

/** Engine.IO 3, as of socket.io 2: the polling handshake has lengths, and the websocket joins the namespace unasked. */
export async function engineIo3(suite) {
  const open = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":5000}';
  const found = await answering(suite, 200, { "Content-Type": "text/plain" }, `${open.length}:${open}2:40`);
  new WebSocketServer({ server: found.server }).on("connection", (socket) => {
    socket.send(open);
    socket.send("40");
  });
  return found;
}

const digestOf = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** One file of random bytes, as a layer: the tar and what is sent of it. */
async function makeLayer(size) {
  const directory = await mkdtemp(join(tmpdir(), "dockhost-layer-"));
  try {
    await writeFile(join(directory, "random"), randomBytes(size));
    const { stdout } = await run("tar", ["-C", directory, "-c", "random"], { encoding: "buffer", maxBuffer: size + 65536 });
    return { tar: stdout, gzip: gzipSync(stdout) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

// Piece by piece, as the daemon tells of progress only while some comes; the last of it when `rest` is settled.
async function dribble(response, body, rest) {
  let [sent, settled] = [0, false];
  rest.then(() => (settled = true));
  while (!settled && sent < body.length * 0.9) {
    response.write(body.subarray(sent, sent += PIECE));
    await pause(PIECE_EVERY);
  }
  await rest;
  response.end(body.subarray(sent));
}

/** A registry that has that image, of one layer of `size` bytes, and no other. A layer is sent slowly, and its end not
 * before `rest` is settled. Resolves to its address. */
export async function registry(suite, name, tag, { size = 1000, rest = Promise.resolve() } = {}) {
  const layer = await makeLayer(size);
  const config = Buffer.from(JSON.stringify({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(layer.tar)] },
  }));
  const part = (mediaType, bytes) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) });
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: part("application/vnd.docker.container.image.v1+json", config),
    layers: [part("application/vnd.docker.image.rootfs.diff.tar.gzip", layer.gzip)],
  }));
  const bodies = new Map([["/v2/", [Buffer.from("{}"), "application/json"]]]);
  for (const reference of [tag, digestOf(manifest)]) bodies.set(`/v2/${name}/manifests/${reference}`, [manifest, mediaType]);
  for (const blob of [config, layer.gzip]) bodies.set(`/v2/${name}/blobs/${digestOf(blob)}`, [blob, "application/octet-stream"]);
  const server = http.createServer((request, response) => {
    const [body, type] = bodies.get(request.url) ?? [];
    if (!body) {
      return response.writeHead(404, { "Content-Type": "application/json" })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    }
    const headers = { "Content-Type": type, "Docker-Content-Digest": digestOf(body), "Content-Length": body.length };
    response.writeHead(200, headers);
    if (request.method === "HEAD") return response.end();
    if (body !== layer.gzip) return response.end(body);
    return dribble(response, body, rest);
  });
  await listening(suite, server);
  return `127.0.0.1:${server.address().port}`;
}
