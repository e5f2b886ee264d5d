// The peer of host.http's spec. Arguments: a unix socket to listen on ("-": none), then the certificate, key and CA
// of an HTTPS server. Prints one line: its pid, its HTTP port, its HTTPS port or 0, and a port that never says a word.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { once } from "node:events";
import { gzipSync } from "node:zlib";

const [path, cert, key, ca] = process.argv.slice(2);
let seen = 0;

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function headers(count, size) {
  const all = {};
  for (let i = 0; i < count; i++) all[`X-${i}`] = "x".repeat(size);
  return all;
}

/** Writes the same for as long as the other side reads. */
function flood(socket, text) {
  const more = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on("drain", more);
  more();
}

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue";
const FORGED = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

const routes = {
  "/hello": (_, response) => response.end("hello"),
  "/empty": (_, response) => response.end(),
  "/missing": (_, response) => response.writeHead(404, { "X-Why": "gone" }).end("no such thing"),
  "/redirect": (_, response) => response.writeHead(302, { Location: "/hello" }).end(),
  "/echo": async (request, response) => response.end(await bodyOf(request)),
  "/headers": async (request, response) => {
    await bodyOf(request);
    response.end(`${request.method} ${request.url}\n${request.rawHeaders.join("\n")}\n`);
  },
  "/repeated": (_, response) => response.writeHead(200, { "X-Two": ["a", "b"], "X-Blank": "" }).end(),
  "/chunked": async (_, response) => {
    for (const chunk of ["one", "two", "three"]) {
      response.write(chunk);
      await new Promise((resume) => setTimeout(resume, 20));
    }
    response.addTrailers({ "X-Late": "1" });
    response.end();
  },
  "/interim": (_, response) => {
    response.writeContinue();
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    response.end("final");
  },
  "/bytes": (request, response) => response.end(Buffer.alloc(Number(request.headers["x-bytes"]), "b")),
  "/huge-header": (_, response) => response.writeHead(200, headers(1, 70000)).end(),
  "/vast-header": (_, response) => response.writeHead(200, headers(1, 400000)).end(),
  "/large-headers": (_, response) => response.writeHead(200, headers(10, 7000)).end(),
  "/many-headers": (_, response) => response.writeHead(200, headers(201, 1)).end(),
  "/hang": () => {},
  "/hang-in-body": (_, response) => response.writeHead(200, { "Content-Length": 10 }).write("half"),
  "/drip": (_, response) => {
    const timer = setInterval(() => response.write("."), 50);
    response.on("close", () => clearInterval(timer));
  },
  "/drop": (request) => request.socket.destroy(),
  "/reset": (request) => request.socket.resetAndDestroy(),
  "/cut": (request, response) => {
    response.writeHead(200, { "Content-Length": 10 });
    response.write("half", () => request.socket.destroy());
  },
  "/bare": (request) => request.socket.end("HTTP/1.1 200\r\n\r\nuntil the end"),
  "/rubbish": (request) => request.socket.end("this is not HTTP at all\r\n\r\n"),
  "/no-status": (request) => request.socket.end("HTTP/odd\r\n\r\ntrue"),
  "/empty-no-status": (request) => request.socket.end("HTTP/odd\r\nContent-Length: 0\r\n\r\n"),
  "/bad-chunk": (request) =>
    request.socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n"),
  "/interims": ({ socket }) => flood(socket, `HTTP/1.1 103 Early Hints\r\nX-Hint: ${"x".repeat(1000)}\r\n\r\n`),
  "/trailers": ({ socket }) => {
    socket.write(`${CHUNKED}4\r\ntrue\r\n0\r\n`);
    flood(socket, `X-Trailer: ${"x".repeat(1000)}\r\n`);
  },
  "/extension": ({ socket }) => {
    socket.write(`${CHUNKED}4;`);
    flood(socket, "x".repeat(60000));
  },
  "/head-drip": ({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    const timer = setInterval(() => socket.write("x"), 20);
    socket.on("close", () => clearInterval(timer));
  },
  "/gzip": (_, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(Buffer.alloc(40e6))),
  "/trailing": ({ socket }) => socket.write(ANSWER + FORGED),
  "/unasked": ({ socket }) => {
    socket.write(ANSWER);
    setTimeout(() => socket.write(FORGED), 50);
  },
  "/length-lie": ({ socket }) => socket.write(`${ANSWER}${"x".repeat(1000)}`),
  "/negative-length": ({ socket }) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\ntrue"),
  "/refuse-body": (_, response) => response.writeHead(413, { Connection: "close" }).end("too much"),
  "/who": (request, response) => response.end(request.socket.getPeerCertificate().subject?.CN ?? "nobody"),
  // Answers the first request of a connection, and drops every later one unanswered.
  "/once": (request, response) => {
    seen++;
    if (request.socket.used) return request.socket.destroy();
    request.socket.used = true;
    response.end(String(seen));
  },
  "/connection": (request, response) => {
    request.socket.number ??= ++connections;
    response.end(String(request.socket.number));
  },
  "/seen": (_, response) => response.end(String(seen)),
};
let connections = 0;

// A request that the spec aborts while it is read is no fault.
async function answer(request, response) {
  const route = routes[request.url.split("?")[0]];
  if (route) await Promise.resolve(route(request, response)).catch(() => response.destroy());
  else response.writeHead(404).end();
}

async function listen(server, where) {
  server.listen(where);
  await once(server, "listening");
  return server.address().port;
}

const plain = await listen(http.createServer(answer), { port: 0, host: "127.0.0.1" });
if (path !== "-") {
  fs.rmSync(path, { force: true });
  await listen(http.createServer(answer), { path });
}
let secure = 0;
if (cert) {
  const files = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), ca: fs.readFileSync(ca) };
  const options = { ...files, requestCert: true, rejectUnauthorized: false };
  secure = await listen(https.createServer(options, answer), { port: 0, host: "127.0.0.1" });
}
const mute = await listen(net.createServer(), { port: 0, host: "127.0.0.1" });
console.log(`${process.pid} ${plain} ${secure} ${mute}`);

// A spec that died does not leave its peer behind.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500);
