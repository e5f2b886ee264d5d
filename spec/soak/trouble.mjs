// The faults of a soak: of the link, of Docker, of scripts and of the key. Each lasts a moment and is then over.
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const seconds = (count) => new Promise((resolve) => setTimeout(resolve, count * 1000));

const LINK = {
  reset: async ({ proxy }) => proxy.reset(),
  blackhole: async ({ proxy }) => proxy.blackhole(),
  async dark({ proxy, random }) {
    proxy.blackhole({ all: true });
    await seconds(random.between(2, 6));
    proxy.heal();
  },
  // What was delayed is not overtaken by what comes after: the connection ends with the delay.
  async slow({ proxy, random }) {
    proxy.delay = random.between(20, 200);
    await seconds(random.between(2, 5));
    proxy.delay = 0;
    proxy.reset();
  },
  async split({ proxy, random }) {
    proxy.split = random.between(1, 9);
    await seconds(random.between(2, 5));
    proxy.split = 0;
  },
  async refused({ proxy, random }) {
    const { port } = proxy;
    await proxy.close();
    await seconds(random.between(1, 3));
    await proxy.listen(port);
  },
  async dismissed({ link }) {
    link.server.connected()?.disconnect(true);
  },
};

// Each a rule for ScriptedDocker; half of the calls are spared.
const DOCKER = {
  async lost(call) {
    await call.forward();
    call.drop();
  },
  async half(call) {
    const { status, body } = await call.forward();
    call.half(status, body.toString() || "{}");
  },
  error: async (call) => call.answer(500, { message: "the daemon is out of order" }),
  async late(call, random) {
    const answer = await call.forward();
    await seconds(random.between(1, 12) / 4);
    call.relay(answer);
  },
  drop: async (call) => call.drop(),
};

async function disturbDocker({ docker, random }, kind) {
  docker.use(async (call) => {
    docker.calls.length = 0;
    if (call.background || call.is("GET", /\/archive$/) || random.chance(0.5)) return false;
    await DOCKER[kind](call, random);
    return true;
  });
  await seconds(random.between(1, 4));
  docker.use(forget(docker));
}

/** The rule of a Docker without faults: calls are not kept. */
export const forget = (docker) => () => {
  docker.calls.length = 0;
  return false;
};

const AWAY = {
  async away({ docker, random }) {
    await docker.close();
    await seconds(random.between(1, 6));
    await docker.open();
  },
};

async function write(path, text) {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

const NODE = {
  hangup: async ({ dockhost }) => dockhost.signal("SIGHUP"),
  async edit({ scripts }) {
    const path = join(scripts, "commands/stop-container.lua");
    await write(path, `${await readFile(path, "utf8")}`.replace(/(\n-- edited .*)?\n*$/, `\n-- edited ${Date.now()}\n`));
  },
  async broken({ scripts, random }) {
    const path = join(scripts, "commands", random.pick(["stop-container.lua", "list-containers.lua"]));
    const text = await readFile(path, "utf8");
    await write(path, `${text}\nthis is no Lua`);
    await seconds(1);
    await write(path, text);
  },
  key: async ({ link, keyFile }) => write(keyFile, link.server.key()),
  async badKey({ link, keyFile, dockhost }) {
    await write(keyFile, "not-a-key");
    dockhost.signal("SIGHUP");
    await seconds(2);
    await write(keyFile, link.server.key());
  },
};

const FAULTS = [
  ...Object.entries(LINK).map(([name, run]) => ({ name, run, weight: 3 })),
  ...Object.keys(DOCKER).map((name) => ({ name: `docker ${name}`, run: (soak) => disturbDocker(soak, name), weight: 2.5, harms: true })),
  ...Object.entries(AWAY).map(([name, run]) => ({ name: `docker ${name}`, run, weight: 3, harms: true })),
  ...Object.entries(NODE).map(([name, run]) => ({ name, run, weight: 1.5 })),
];

/** One fault of any kind, to its end. Returns its name; `harms` tells whether commands may fail by it. */
export function choose(random) {
  const name = random.weighted(Object.fromEntries(FAULTS.map((fault) => [fault.name, fault.weight])));
  return FAULTS.find((fault) => fault.name === name);
}
