// A long run under mixed faults: 1,000 reconnects, 10,000 commands, then MINUTES of everything at once; what the process
// holds is sampled all along, and must stay flat. SEED= repeats the choices. Usage: node spec/soak/soak.mjs
import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as docker from "../support/docker.mjs";
import { Dockhost, makeHome, ROOT } from "../support/dockhost.mjs";
import { FaultProxy } from "../support/fault-proxy.mjs";
import { figures } from "../support/process-figures.mjs";
import { Random, SEED } from "../support/random.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { makeKeyPair } from "../support/ssh.mjs";
import { leftovers } from "../support/suite.mjs";
import { until } from "../support/until.mjs";
import { Actor } from "./actor.mjs";
import { Curve, draw, slope, table } from "./curve.mjs";
import { SoakLink } from "./link.mjs";
import { choose, forget } from "./trouble.mjs";

const CYCLES = Number(process.env.CYCLES ?? 1000);
const COMMANDS = Number(process.env.COMMANDS ?? 10000);
const MINUTES = Number(process.env.MINUTES ?? 60);
const DIRECTORY = process.env.SOAK_DIR ?? join(ROOT, "build/soak");
const SAMPLE_SECONDS = Number(process.env.SAMPLE_SECONDS ?? 10);
const PREFIX = "it-soak-";
const LIFECYCLES = 8;
// Commands may fail this long after a fault of Docker's: a check is held for 20 s.
const AFTERMATH_SECONDS = 25;
const QUIET_MINUTES = 4;
// What may not be exceeded, by the hour and after the warm-up: memory in KiB.
const GROWTH = { descriptors: 2, threads: 0.5, rss: 1024, dirty: 1024 };
const PINGS = { pingInterval: 2000, pingTimeout: 2000 };

const random = new Random();
// Outside of what the suites use and look for leftovers in, and none that an outgoing connection takes.
const ports = { start: 23000, end: 23398 };
const PROXY_PORT = 23399;
const complaints = [];
const faults = {};
const state = { phase: "start", asked: 0, faults: 0, harming: 0, harmed: 0, users: 0, held: 0 };
const closing = [];
let soak;

const say = (text) => console.log(`${new Date().toISOString()} ${text}`);

function complain(message) {
  complaints.push(message);
  say(`WRONG: ${message}`);
}

const disturbed = () => state.harming > 0 || Date.now() - state.harmed < AFTERMATH_SECONDS * 1000;

async function scripts(home) {
  const directory = join(home, "scripts");
  await cp(join(ROOT, "lua"), directory, { recursive: true });
  const policy = 'return function(_, reason) return reason == "refused" and 0.3 or math.random() * 0.02 end\n';
  await writeFile(join(directory, "reconnect.lua"), policy);
  return directory;
}

async function open() {
  const home = await makeHome();
  closing.push(() => rm(home, { recursive: true, force: true }));
  const keys = await makeKeyPair();
  closing.push(() => keys.remove());
  const link = await new SoakLink(complain).listen(PINGS);
  closing.push(() => link.close());
  const proxy = await new FaultProxy(link.server.port).listen(PROXY_PORT);
  closing.push(() => proxy.close());
  // Its port is a lock, too: another soak on this machine has ended here.
  closing.push(sweep);
  await sweep();
  const scripted = new ScriptedDocker(join(home, "docker.sock"));
  await scripted.use(forget(scripted)).open();
  closing.push(() => scripted.close());
  const keyFile = join(home, "key");
  await writeFile(keyFile, link.server.key());
  const directory = await scripts(home);
  const settings = { MAIN_SERVER_BACKEND_URL: proxy.url, DOCKHOST_API_KEY_FILE: keyFile, DOCKER_HOST: scripted.host,
    DOCKHOST_PORT_START: ports.start, DOCKHOST_PORT_END: ports.end, DOCKHOST_MAX_CONTAINERS: 1000 };
  const dockhost = new Dockhost({ args: ["run", directory], home, settings });
  closing.push(() => dockhost.discard());
  soak = { link, proxy, docker: scripted, keyFile, scripts: directory, dockhost, random, key: keys.publicKey, ports, disturbed, complain,
    held: () => (state.held += 1), name: () => `${PREFIX}${(state.users += 1)}` };
  await link.server.backend();
  await dockhost.line(/Docker answers/);
}

const owned = (container) => (container.Config.Labels["dockhost.username"] ?? "").startsWith(PREFIX);

async function sweep() {
  await Promise.all((await leftovers(ports, owned)).map(({ Id }) => docker.remove(Id)));
}

// Phase one: connections that end in every way, as fast as they come back.
async function cycle(number) {
  const { link, proxy } = soak;
  const newest = () => link.server.connections.at(-1);
  const before = newest();
  const kind = number % 20 === 7 ? "blackhole" : number % 20 === 13 ? "refused" : random.pick(["dismissed", "reset"]);
  if (kind === "blackhole") proxy.blackhole();
  else if (kind === "reset") proxy.reset();
  else before.disconnect(true);
  if (kind === "refused") {
    const { port } = proxy;
    await proxy.close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await proxy.listen(port);
  }
  await until(() => newest() !== before && newest().connected, `a connection after ${kind}, cycle ${number}`, { every: 1, timeout: 30000 });
  faults[`cycle: ${kind}`] = (faults[`cycle: ${kind}`] ?? 0) + 1;
}

async function reconnects() {
  Object.assign(soak.link.server.io.engine.opts, { pingInterval: 300, pingTimeout: 300 });
  soak.proxy.reset();
  const began = Date.now();
  for (let number = 1; number <= CYCLES; number++) await cycle(number);
  say(`${CYCLES} reconnects in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  Object.assign(soak.link.server.io.engine.opts, PINGS);
  soak.proxy.reset();
}

// Phase two: commands, from one to fifty at once.
async function commands() {
  const began = Date.now();
  let asked = 0;
  for (const [share, width] of [[0.05, 1], [0.15, 5], [0.3, 20], [0.5, 50]]) {
    const enough = asked + COMMANDS * share;
    const actors = Array.from({ length: width }, (_, index) => new Actor(soak, { changes: index < LIFECYCLES ? 0.06 : 0 }));
    await Promise.all(actors.map((actor) => actor.run(() => (asked += 1) > enough)));
    asked = enough;
    await agree(actors);
    await sweep();
  }
  const seconds = (Date.now() - began) / 1000;
  say(`${COMMANDS} commands in ${seconds.toFixed(1)} s`);
}

const stateOf = (container) => (!container ? "none" : container.State.Status === "exited" ? "stopped" : container.State.Status);
const userOf = (container) => container.Config.Labels["dockhost.username"];

function clashes(containers) {
  const holders = new Map();
  const found = [];
  for (const container of containers) {
    for (const port of Object.values(docker.bindings(container))) {
      if (holders.has(port)) found.push(`port ${port} is bound by ${container.Name} and ${holders.get(port)}`);
      holders.set(port, container.Name);
    }
  }
  return found;
}

// Where Docker and the answers disagree, and what no user may have: two containers, or one that is half made.
async function disagreements(actors) {
  const containers = await leftovers(ports, owned);
  const found = clashes(containers);
  for (const container of containers) {
    if (!actors.some((actor) => actor.user === userOf(container))) found.push(`a container of ${userOf(container)}, who has gone`);
  }
  for (const actor of actors) {
    const own = containers.filter((container) => userOf(container) === actor.user);
    if (own.length > 1) found.push(`${own.length} containers of ${actor.user}`);
    if (!actor.model.may(stateOf(own[0]))) found.push(`${actor.user}: Docker has ${stateOf(own[0])}, possible is ${[...actor.model.possible]}`);
    else actor.model.set(stateOf(own[0]));
  }
  return found;
}

// What a fault left half made may take 20 s to go.
async function agree(actors) {
  const deadline = Date.now() + 25e3;
  for (;;) {
    const found = await disagreements(actors);
    if (!found.length) return;
    if (Date.now() > deadline) return found.forEach(complain);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function oneFault() {
  const fault = choose(random);
  if (fault.harms) state.harming += 1;
  await fault.run(soak);
  if (fault.harms) Object.assign(state, { harming: state.harming - 1, harmed: Date.now() });
  faults[fault.name] = (faults[fault.name] ?? 0) + 1;
  state.faults += 1;
}

// Phase three: users at work under faults of all kinds, with a quiet moment every few minutes to compare with Docker.
async function mixed() {
  const actors = Array.from({ length: 12 }, (_, index) => new Actor(soak, { changes: index < LIFECYCLES ? 0.25 : 0.02 }));
  const last = Date.now() + MINUTES * 60e3;
  while (Date.now() < last) {
    const quiet = Math.min(last, Date.now() + QUIET_MINUTES * 60e3);
    const over = () => Date.now() >= quiet;
    await Promise.all([
      ...actors.map((actor) => actor.run(over, () => random.between(100, 1500))),
      (async () => {
        while (!over()) {
          await oneFault();
          await new Promise((resolve) => setTimeout(resolve, random.between(1000, 6000)));
        }
      })(),
    ]);
    await soak.link.socket();
    await agree(actors);
    const { descriptors, threads, rss } = await figures(soak.dockhost.pid);
    say(`quiet: ${descriptors} descriptors, ${threads} threads, ${rss} KiB resident; ${soak.link.answers} answers, ${soak.link.lost} lost with the link, ${state.faults} faults`);
    soak.dockhost.stderr = soak.dockhost.stderr.slice(-1e6);
  }
}

async function phase(name, work, curve) {
  state.phase = name;
  say(`phase ${name}`);
  await curve.sample();
  await work();
  await curve.sample();
}

function verdict(curve) {
  const samples = curve.of("mixed");
  const settled = samples.slice(Math.floor(samples.length / 4));
  console.log(`\nAll samples\n${table(curve.samples)}\n\nMixed faults, after a quarter for the warm-up\n${table(settled)}\n`);
  for (const name of ["rss", "dirty", "descriptors"]) console.log(`${draw(curve.samples, name)}\n`);
  console.log(`answers ${soak.link.answers}, lost with the link ${soak.link.lost}, faults ${JSON.stringify(faults)}`);
  console.log(`resumes that Docker refused because it held the ports itself: ${state.held}`);
  console.log(`dropped lines of the log: ${soak.dockhost.matching(/lines? dropped/).length}`);
  if (!soak.dockhost.running) complain(`the process ended with ${soak.dockhost.code}`);
  const hours = (settled.at(-1)?.seconds - settled[0]?.seconds) / 3600;
  for (const [name, most] of Object.entries(GROWTH)) {
    // Over minutes a slope says nothing: then what counts is the rise itself.
    const rise = slope(settled, name) * Math.min(1, hours);
    if (rise > most) complain(`${name} grows: ${rise.toFixed(1)} in ${(hours * 60).toFixed(0)} minutes, ${most} are allowed`);
  }
}

async function main() {
  say(`SEED=${SEED} CYCLES=${CYCLES} COMMANDS=${COMMANDS} MINUTES=${MINUTES}`);
  await open();
  const curve = new Curve(soak.dockhost.pid, join(DIRECTORY, "curve.csv"),
    () => ({ phase: state.phase, commands: soak.link.answers, faults: state.faults }));
  curve.start(SAMPLE_SECONDS * 1000);
  closing.push(() => curve.stop());
  await phase("reconnects", reconnects, curve);
  await phase("commands", commands, curve);
  await phase("mixed", mixed, curve);
  curve.stop();
  verdict(curve);
  if (soak.dockhost.running) await soak.dockhost.stop().catch((error) => complain(error.message));
}

async function close() {
  if (soak) await writeFile(join(DIRECTORY, "dockhost.log"), soak.dockhost.stderr).catch(() => {});
  for (const undo of closing.splice(0).reverse()) await Promise.resolve(undo()).catch((error) => say(error.message));
}

for (const name of ["SIGINT", "SIGTERM"]) {
  process.once(name, () => close().then(() => process.exit(1)));
}
try {
  await main();
} catch (error) {
  complain(error.stack);
} finally {
  await close();
}
console.log(complaints.length ? `failed: ${complaints.length} complaints` : "passed");
process.exit(complaints.length ? 1 : 0);
