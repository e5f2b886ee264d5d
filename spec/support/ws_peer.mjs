// The peer of host.websocket's spec. Arguments: the certificate and key of a secure server. Prints one line: its pid,
// its port, its secure port or 0, and a port that takes connections and never says a word. The path of a connection
// chooses what it does.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { once } from "node:events";
import { WebSocketServer } from "ws";

const [cert, key] = process.argv.slice(2);

// What became of the connections that ended: path, close code, bytes received ("/echo 1000 12").
const ends = [];

/** Writes the same for as long as the other side reads. */
function flood(socket, bytes) {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("drain", more);
  more();
}

const routes = {
  "/echo": (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })),
  "/greet": (socket) => socket.send("hello"),
  "/fragments": (socket) => {
    socket.send("one ", { fin: false });
    socket.send("two ", { fin: false });
    socket.ping();
    socket.send("three", { fin: true });
  },
  "/request": (socket, request) =>
    socket.send(JSON.stringify({ headers: request.headers, url: request.url, sni: request.socket.servername ?? null })),
  "/large": (socket, _, query) => socket.send(Buffer.alloc(Number(query.get("bytes")), "x"), { binary: true }),
  "/drip": (socket, _, query) => {
    for (let i = 0; i < Number(query.get("times")); i++) socket.send("x".repeat(1000), { fin: false });
  },
  "/many": (socket, _, query) => {
    for (let i = 1; i <= Number(query.get("times")); i++) socket.send(String(i));
  },
  "/ping": (socket) => {
    socket.on("pong", (data) => socket.send(`pong ${data}`));
    socket.ping("abc");
  },
  "/close": (socket) => socket.close(1008, "not you"),
  "/drop": (socket) => socket.terminate(),
  "/deaf": (_, request) => request.socket.pause(),
  "/count": (socket) => {
    let bytes = 0;
    socket.on("message", (data) => socket.send(String((bytes += data.length))));
  },
  "/crumbs": (_, request, query) => {
    const count = Number(query.get("bytes"));
    const frames = Array.from({ length: count }, (_, i) => Buffer.from([(i ? 0 : 1) | (i === count - 1 ? 0x80 : 0), 1, 0x78]));
    request.socket.write(Buffer.concat(frames));
  },
  "/empties": (_, request) => {
    request.socket.write(Buffer.from([1, 0]));
    flood(request.socket, Buffer.alloc(60000));
  },
  "/pings": (_, request) => flood(request.socket, Buffer.alloc(63500, Buffer.concat([Buffer.from([0x89, 125]), Buffer.alloc(125)]))),
  "/pongs": (_, request) => flood(request.socket, Buffer.alloc(63500, Buffer.concat([Buffer.from([0x8a, 125]), Buffer.alloc(125)]))),
  "/broken": (_, request) => request.socket.write(Buffer.from([0xff, 0xff, 0xff])),
  "/ends": (socket) => socket.send(ends.join("\n")),
};

const refusals = {
  "/400": (socket) => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
  "/401": (socket) => socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
  "/moved": (socket) =>
    socket.end("HTTP/1.1 301 Moved\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n"),
  "/silent": () => {},
  "/endless": (socket) => {
    socket.write("HTTP/1.1 101 Yes\r\n");
    flood(socket, `X-Header: ${"x".repeat(100)}\r\n`.repeat(100));
  },
  "/hangup": (socket) => socket.end(),
  "/rubbish": (socket) => socket.end("this is not HTTP\r\n\r\n"),
  "/liar": (socket) =>
    socket.end("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n"),
};

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });

function serve(server) {
  server.on("upgrade", (request, stream, head) => {
    const url = new URL(request.url, "http://peer");
    stream.on("error", () => {});
    if (refusals[url.pathname]) return refusals[url.pathname](stream);
    sockets.handleUpgrade(request, stream, head, (socket) => {
      socket.on("error", () => {});
      let bytes = 0;
      socket.on("message", (data) => (bytes += data.length));
      socket.on("close", (code) => ends.push(`${request.url} ${code} ${bytes}`));
      routes[url.pathname](socket, request, url.searchParams);
    });
  });
  return server;
}

async function listen(server, host) {
  server.listen({ port: 0, host });
  await once(server, "listening");
  return server.address().port;
}

// "::" takes IPv4 as well.
const plain = await listen(serve(http.createServer()), "::");
const files = cert && { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
const secure = files ? await listen(serve(https.createServer(files)), "::") : 0;
const mute = await listen(net.createServer(), "127.0.0.1");
console.log(`${process.pid} ${plain} ${secure} ${mute}`);

// A spec that died does not leave its peer behind.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500);
