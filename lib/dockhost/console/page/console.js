// Joins the stream of what happens to the parts of the page that show it.
import { everySecond, startClock, sync } from "./clock.js";
import { Commands } from "./commands.js";
import { Containers } from "./containers.js";
import { Create } from "./create.js";
import { byId, setBadge, setText } from "./dom.js";
import { bytes, span } from "./format.js";
import { Log } from "./log.js";
import { notice } from "./notices.js";
import { Output } from "./output.js";
import { capacityCard, connectionCard, dockerCard } from "./overview.js";
import { removeDialog } from "./remove.js";
import { Stream } from "./stream.js";

const output = new Output();
const log = new Log();
const commands = new Commands();
const containers = new Containers({
  create: () => create.open(),
  output: (container) => output.open(container),
  remove: removeDialog(),
});
const create = new Create({ has: (username) => containers.has(username), host: () => containers.host });
const capacity = capacityCard();
const drawConnection = connectionCard();
const drawDocker = dockerCard();
const seen = {};

/** Says what changed, but not what was so from the beginning. */
function tell(subject, good, words) {
  const before = seen[subject];
  seen[subject] = good;
  if (before !== undefined && before !== good) notice(good ? words.good : words.bad, good ? "ok" : "bad", subject);
}

function drawTitle() {
  const trouble = !live() || seen.docker === false || seen.connection === false;
  document.title = `${trouble ? "⚠ " : ""}${containers.host} · dockhost`;
}

const handlers = {
  connection(value) {
    drawConnection(value);
    const good = value.state === "connected" || value.state === "local";
    tell("connection", good, { good: "The main server has accepted this node.", bad: "The main server is lost." });
    drawTitle();
  },
  docker(value) {
    drawDocker(value);
    byId("containers-stale").hidden = value.up;
    tell("docker", value.up, { good: "Docker answers again.", bad: "Docker does not answer." });
    const { state, current, total } = value.image ?? {};
    const far = total ? `: ${bytes(current ?? 0)} of ${bytes(total)}` : "";
    create.image(state === "pulling" && `Pulling the image${far} …`);
    drawTitle();
  },
  capacity: (value) => capacity.capacity(value),
  containers(list) {
    capacity.containers(list);
    containers.update(list);
  },
  node(value) {
    containers.host = value.sshHost || location.hostname;
    setText(byId("node-name"), containers.host);
    capacity.node(value);
  },
  usage: (figures) => containers.usage(figures),
  command: (entry) => commands.add(entry),
  log: (record) => log.add([record]),
  state(state) {
    sync(state.time);
    capacity.version(state.version);
    for (const name of ["node", "connection", "docker", "capacity", "containers"]) handlers[name](state[name]);
    commands.replace(state.commands);
    log.replace(state.log);
    document.body.dataset.ready = "true";
  },
};

const STREAMS = {
  connecting: ["busy", "connecting"],
  open: ["ok", "live"],
  lost: ["bad", "lost"],
  refused: ["bad", "signed out"],
  resting: ["none", "paused"],
};

let line = {};
const live = () => line.state === "open";

const SIGNED_OUT = "This page's token is not accepted any more. On the node, run: dockhost console. "
  + "Then open the address that it prints.";

function lostText({ state, retryAt }) {
  if (state === "refused") return SIGNED_OUT;
  const next = state === "lost" ? `Next try in ${span((retryAt - Date.now()) / 1000)}.` : "Trying now.";
  return `This page has lost its node: what it shows may be out of date. ${next}`;
}

// The words stay while it is tried anew.
function drawLost() {
  const lost = line.failures > 0 && !live();
  byId("lost").hidden = !lost;
  byId("lost-retry").hidden = line.state !== "lost";
  if (lost) setText(byId("lost-text"), lostText(line));
}

function changed(next) {
  line = next;
  setBadge(byId("stream"), ...STREAMS[next.state]);
  drawLost();
  drawTitle();
}

byId("create-open").addEventListener("click", () => create.open());
everySecond(drawLost);
startClock();
const stream = new Stream("/api/events", handlers, changed);
byId("lost-retry").addEventListener("click", () => stream.retry());
