// The three cards: the main server, Docker, capacity.
import { everySecond, now } from "./clock.js";
import { byId, fill, partsOf, setAttribute, setBadge, setBar, setText } from "./dom.js";
import { bytes, clock, count, percent, span } from "./format.js";

const KEY_WARNING = 7 * 86400;

const LINKS = {
  connected: ["ok", "connected"],
  connecting: ["busy", "connecting"],
  waiting: ["bad", "not connected"],
  offline: ["bad", "not connected"],
  local: ["none", "local mode"],
};

function why(parts, text) {
  parts.why.hidden = !text;
  setText(parts.why, text ?? "");
}

const ago = (time) => (time ? `${clock(time)}, ${span(now() - time)} ago` : null);

function nextTry({ state, nextTryAt }) {
  if (state === "connecting") return "now";
  return nextTryAt ? `in ${span(nextTryAt - now())}` : null;
}

function keyExpiry(time) {
  if (!time) return null;
  const left = time - now();
  if (left <= 0) return `expired ${span(-left)} ago: get a new key`;
  return `in ${span(left)}${left < KEY_WARNING ? ": get a new key" : ""}`;
}

export function connectionCard() {
  const card = byId("connection");
  const parts = partsOf(card);
  let value;
  const draw = () => {
    if (!value) return;
    const { state } = value;
    const local = state === "local";
    const [kind, word] = LINKS[state] ?? ["bad", state];
    setBadge(parts.badge, kind, word);
    why(parts, local ? "No main server is set: commands come from this page and from dockhost call." : value.failure);
    setAttribute(card, "data-kind", kind);
    fill(parts, {
      server: value.server,
      since: local ? null : ago(value.since),
      latency: state === "connected" && value.latencyMs != null ? `${value.latencyMs.toFixed(1)} ms` : null,
      next: nextTry(value),
      tries: state !== "connected" && value.attempt > 0 ? value.attempt : null,
      reconnects: local ? null : value.reconnects,
      key: keyExpiry(value.keyExpiresAt),
    });
  };
  everySecond(draw);
  return (next) => {
    value = next;
    draw();
  };
}

const IMAGES = { present: "on this node", missing: "not here: the first create pulls it", unknown: "not known yet" };

function pulled({ current, total }) {
  if (!total) return "being pulled";
  return `being pulled: ${bytes(current ?? 0)} of ${bytes(total)}, ${percent((100 * (current ?? 0)) / total)}`;
}

const imageState = (image) => (image.state === "pulling" ? pulled(image) : (IMAGES[image.state] ?? IMAGES.unknown));

function drawImage(parts, image = {}) {
  const pulling = image.state === "pulling";
  parts.bar.hidden = !pulling;
  if (pulling) setBar(parts.bar, image.current ?? 0, image.total ?? 0);
  const state = image.failure ? `not here: ${image.failure}` : imageState(image);
  fill(parts, { image: image.name && `${image.name}, ${state}` });
}

export function dockerCard() {
  const card = byId("docker");
  const parts = partsOf(card);
  return (docker) => {
    const kind = docker.up ? (docker.image?.state === "pulling" ? "busy" : "ok") : "bad";
    setBadge(parts.badge, kind, docker.up ? (kind === "busy" ? "pulling" : "answers") : "does not answer");
    setAttribute(card, "data-kind", kind);
    const failure = docker.failure ?? "Docker does not answer";
    why(parts, docker.up ? null : `${failure}. The node goes on by itself when it answers.`);
    const version = docker.version && `${docker.version}${docker.apiVersion ? ` (API ${docker.apiVersion})` : ""}`;
    fill(parts, { version: docker.up ? version : null, address: docker.address });
    drawImage(parts, docker.image);
  };
}

function byState(containers) {
  const states = new Map();
  for (const { state } of containers) states.set(state, (states.get(state) ?? 0) + 1);
  return [...states].sort((a, b) => b[1] - a[1]).map(([state, number]) => `${number} ${state}`).join(", ");
}

function capacityBadge(used, most) {
  if (used >= most) return ["bad", "full"];
  return [used >= most * 0.9 ? "warn" : "ok", `${most - used} free`];
}

/** Each of its functions redraws a part of it. */
export function capacityCard() {
  const card = byId("capacity");
  const parts = partsOf(card);
  let started;
  everySecond(() => started && fill(parts, { uptime: span(now() - started) }));
  return {
    capacity({ used, most }) {
      setBadge(parts.badge, ...capacityBadge(used, most));
      setBar(parts.bar, used, most);
      setAttribute(parts.bar, "aria-valuetext", `${used} of ${count(most, "container")}`);
      fill(parts, { used: `${used} of ${most}` });
    },
    containers: (list) => fill(parts, { states: byState(list) }),
    version: (version) => fill(parts, { version }),
    node({ uptimeSeconds, scripts, sshHost }) {
      started = now() - uptimeSeconds;
      fill(parts, { host: sshHost, scripts: scripts?.join(", "), uptime: span(uptimeSeconds) });
    },
  };
}
