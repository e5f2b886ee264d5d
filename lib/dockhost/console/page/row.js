// One container's row.
import { now } from "./clock.js";
import { copyButton } from "./copy.js";
import { copyOf, partsOf, setAttribute, setBadge, setText } from "./dom.js";
import { age, inUrl, seconds, stamp } from "./format.js";
import { Usage } from "./usage.js";

const KINDS = { running: "ok", paused: "warn", restarting: "busy", removing: "busy", dead: "bad" };
const STOPPABLE = new Set(["running", "paused", "restarting"]);

export const sshLine = (host, ports) => `ssh -p ${ports.ssh} root@${host}`;

export class Row {
  /** `does`: what its buttons do, `{ start, stop, output, remove }`, each with the container. */
  constructor(container, host, does) {
    this.node = copyOf("container-row");
    this.parts = partsOf(this.node);
    this.usage = new Usage(this.parts);
    copyButton(this.parts.copy, this.parts.line);
    this.parts.power.addEventListener("click", () => this.act(this.running ? does.stop : does.start));
    this.parts.output.addEventListener("click", () => does.output(this.container));
    this.parts.remove.addEventListener("click", () => this.act(does.remove));
    this.update(container, host);
  }

  get running() {
    return STOPPABLE.has(this.container.state);
  }

  // A disabled button would lose the focus.
  act(fn) {
    if (!this.pending) fn(this.container);
  }

  /** `word`: what is being done to it, or nothing. */
  setPending(word) {
    this.pending = word;
    const disabled = word ? "true" : null;
    for (const button of [this.parts.power, this.parts.remove]) setAttribute(button, "aria-disabled", disabled);
    this.drawState();
  }

  update(container, host) {
    const before = this.container;
    Object.assign(this, { container, host });
    setText(this.parts.user, container.username);
    this.drawState();
    this.drawPorts();
    this.since = seconds(container.createdAt);
    stamp(this.parts.age, this.since);
    this.drawAge();
    this.drawNames();
    if (before?.state !== container.state && !this.running) this.usage.clear();
    if (typeof container.cpuPercent === "number" && !before) this.usage.add(container);
  }

  drawState() {
    const { state } = this.container;
    setBadge(this.parts.state, this.pending ? "busy" : (KINDS[state] ?? "none"), this.pending ?? state);
    setText(this.parts.power, this.running ? "Stop" : "Start");
    this.drawNames();
  }

  // A button's name begins with what it shows, and says whose it is.
  drawNames() {
    const user = this.container.username;
    this.parts.power.setAttribute("aria-label", `${this.running ? "Stop" : "Start"} ${user}`);
    this.parts.output.setAttribute("aria-label", `Logs of ${user}`);
    this.parts.remove.setAttribute("aria-label", `Delete ${user}`);
    this.parts.copy.setAttribute("aria-describedby", this.parts.user.id ||= `user-${this.container.containerId}`);
  }

  drawPorts() {
    const ports = this.container.ports ?? {};
    this.parts.ssh.hidden = !ports.ssh;
    this.parts["no-ports"].hidden = Boolean(ports.ssh);
    this.parts.links.hidden = !ports.http || !ports.https;
    if (ports.ssh) setText(this.parts.line, sshLine(this.host, ports));
    for (const scheme of ["http", "https"]) {
      if (!ports[scheme]) continue;
      setText(this.parts[scheme], String(ports[scheme]));
      setAttribute(this.parts[scheme], "href", `${scheme}://${inUrl(this.host)}:${ports[scheme]}/`);
      setAttribute(this.parts[scheme], "aria-label", `${scheme} port ${ports[scheme]} of ${this.container.username}`);
    }
  }

  drawAge() {
    setText(this.parts.age, Number.isFinite(this.since) ? age(now() - this.since) : "");
  }
}
