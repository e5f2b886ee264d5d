// The peer: a worker node as one would write it well in Node, with socket.io-client and dockerode. It does the same work
// on the same containers: names, labels, body, keys by archive, ports found by listing.
import net from "node:net";
import Docker from "dockerode";
import { io } from "socket.io-client";
import tar from "tar-stream";
import { body } from "./lib/body.mjs";

const { MAIN_SERVER_BACKEND_URL, DOCKHOST_API_KEY, DOCKHOST_IMAGE, DOCKHOST_PORT_START = "1024" } = process.env;
const docker = new Docker({ socketPath: process.env.DOCKER_SOCKET ?? "/var/run/docker.sock" });
const held = new Set();

const isFree = (port) => new Promise((resolve) => {
  const server = net.createServer();
  server.once("error", () => resolve(false)).listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
});

async function boundPorts() {
  const ports = new Set(held);
  for (const { Ports } of await docker.listContainers({ all: true })) for (const { PublicPort } of Ports) ports.add(PublicPort);
  return ports;
}

async function reserve(start) {
  const taken = await boundPorts();
  for (let port = start; port <= 65533; port += 3) {
    const triple = [port, port + 1, port + 2];
    if (triple.some((each) => taken.has(each) || held.has(each))) continue;
    triple.forEach((each) => held.add(each));
    if ((await Promise.all(triple.map(isFree))).every(Boolean)) return triple;
    triple.forEach((each) => held.delete(each));
  }
  throw Object.assign(new Error("no ports"), { statusCode: 503 });
}

function archive(keys) {
  const pack = tar.pack();
  pack.entry({ name: "root/.ssh", type: "directory", mode: 0o700 });
  pack.entry({ name: "root/.ssh/authorized_keys", mode: 0o600 }, keys);
  pack.finalize();
  return pack;
}

async function inspect(name) {
  try {
    return await docker.getContainer(name).inspect();
  } catch (error) {
    if (error.statusCode === 404) return undefined;
    throw error;
  }
}

async function create({ USERNAME, SSH_PUB_KEY, startingPortNo }) {
  await docker.getImage(DOCKHOST_IMAGE).inspect();
  const ports = await reserve(Math.max(Number(startingPortNo), Number(DOCKHOST_PORT_START)));
  try {
    const container = await docker.createContainer({ name: USERNAME, ...body(DOCKHOST_IMAGE, USERNAME, SSH_PUB_KEY, ports) });
    await container.putArchive(archive(`${SSH_PUB_KEY}\n`), { path: "/" });
    await container.start();
    return { status: 201, success: true, message: "Instance spawned successfully", PORT_NO: ports[0], data: { containerId: container.id } };
  } finally {
    ports.forEach((port) => held.delete(port));
  }
}

async function list() {
  const containers = await docker.listContainers({ all: true, filters: { label: ["dockhost.managed=true"] } });
  return {
    success: true,
    message: "done",
    data: {
      containers: containers.map(({ Id, Labels, State, Ports, Created, Image }) => ({
        containerId: Id, username: Labels["dockhost.username"], state: State, ports: Ports.map(({ PublicPort }) => PublicPort),
        createdAt: new Date(Created * 1000).toISOString(), image: Image,
      })),
    },
  };
}

const done = (message) => ({ status: 200, success: true, message, data: {} });

const commands = {
  check_if_container_exists: async ({ USERNAME }) => (await inspect(USERNAME)) !== undefined,
  check_if_container_running: async ({ USERNAME }) => (await inspect(USERNAME))?.State.Running === true,
  start_container: create,
  "list-containers": list,
  echo: async (payload) => payload,
  stop_container: async ({ USERNAME }) => docker.getContainer(USERNAME).stop({ t: 5 }).then(() => done("Instance stopped successfully")),
  resume_container: async ({ USERNAME }) => docker.getContainer(USERNAME).start().then(() => done("Instance resumed successfully")),
  delete_container: async ({ USERNAME }) =>
    docker.getContainer(USERNAME).remove({ force: true, v: true }).then(() => done("Instance deleted successfully")),
};

const socket = io(MAIN_SERVER_BACKEND_URL, {
  transports: ["websocket"],
  query: { role: "backend" },
  auth: { DOCKHOST_API_KEY, LAN_IP: "127.0.0.1" },
});
for (const [event, run] of Object.entries(commands)) {
  socket.on(event, async (payload, acknowledge) => {
    const reply = await run(payload).catch((error) => ({ status: error.statusCode ?? 500, success: false, message: error.message, data: {} }));
    if (acknowledge) acknowledge(reply);
    else socket.emit(payload.USERNAME, reply);
  });
}
process.on("SIGTERM", () => process.exit(0));
