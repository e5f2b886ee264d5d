// Raw TCP clients for the spec of host.server, which tells by HTTP what they shall do. Prints its pid and its port.
// POST /?host=HOST&port=PORT with one step a line, its last word percent-encoded where it is a text:
//   send TEXT, drip MS TEXT (each byte after MS), fill BYTES (sends so much), until TEXT, times N TEXT (wait until it
//   arrived N times), wait MS, told (wait for a POST /told), pause, resume (reading), take BYTES (so many
//   more, then pause), end (the sending side), leave (close), reset, connect (a second time)
// The answer comes when the server has closed, or the client left: what arrived, and in X-Ended how it ended.
import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

let told = 0;

class Client {
  constructor(host, port) {
    this.options = { host, port, allowHalfOpen: true };
    this.sockets = [];
    this.parts = [];
    this.size = 0;
    this.ended = null;
    this.connect();
  }

  connect() {
    const socket = net.connect(this.options);
    const end = (how) => {
      if (socket === this.socket) this.ended ??= how;
    };
    this.socket = socket;
    this.sockets.push(socket);
    socket.setNoDelay(true);
    socket.on("data", (data) => {
      this.parts.push(data);
      this.size += data.length;
    });
    socket.on("end", () => end("closed"));
    socket.on("error", ({ code }) => end(code));
    socket.on("close", () => end("closed"));
  }

  text() {
    return Buffer.concat(this.parts).toString("latin1");
  }

  async arrived(count, text) {
    while (!this.ended && this.text().split(text).length <= count) await sleep(5);
  }
}

const steps = {
  send: (client, text) => client.socket.write(text, "latin1"),
  fill: (client, bytes) => client.socket.write(Buffer.alloc(Number(bytes), "x")),
  until: (client, text) => client.arrived(1, text),
  times: (client, count, text) => client.arrived(Number(count), text),
  wait: (_, ms) => sleep(Number(ms)),
  told: async () => {
    while (told === 0) await sleep(2);
    told--;
  },
  connect: (client) => client.connect(),
  pause: (client) => client.socket.pause(),
  take: async (client, bytes) => {
    const goal = client.size + Number(bytes);
    client.socket.resume();
    while (!client.ended && client.size < goal) await sleep(2);
    client.socket.pause();
  },
  resume: (client) => client.socket.resume(),
  end: (client) => client.socket.end(),
  leave: (client) => {
    client.ended ??= "left";
    client.socket.destroy();
  },
  reset: (client) => {
    client.ended ??= "left";
    client.socket.resetAndDestroy();
  },
  drip: async (client, ms, text) => {
    for (const byte of text) {
      if (client.ended) return;
      client.socket.write(byte, "latin1");
      await sleep(Number(ms));
    }
  },
};

async function run(query, script) {
  const client = new Client(query.get("host"), Number(query.get("port")));
  for (const line of script.split("\n").filter(Boolean)) {
    const [name, ...words] = line.split(" ");
    await steps[name](client, ...words.map(unescape));
  }
  while (!client.ended) await sleep(5);
  for (const socket of client.sockets) socket.destroy();
  return client;
}

const server = http.createServer(async (request, response) => {
  if (request.url === "/told") {
    told++;
    return response.end();
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  const began = performance.now();
  const client = await run(new URL(request.url, "http://clients").searchParams, Buffer.concat(parts).toString());
  const headers = { "X-Ended": client.ended, "X-Seconds": (performance.now() - began) / 1000 };
  response.writeHead(200, headers).end(Buffer.concat(client.parts));
});
server.listen({ port: 0, host: "127.0.0.1" });
await once(server, "listening");
console.log(`${process.pid} ${server.address().port}`);

// A spec that died does not leave its clients behind.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500);
