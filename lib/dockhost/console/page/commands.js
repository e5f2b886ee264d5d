// Recent commands, the newest first.
import { everySecond, now } from "./clock.js";
import { byId, copyOf, partsOf, setBadge, setText } from "./dom.js";
import { clock, duration, span, stamp } from "./format.js";

const MOST = 50;

const ended = (entry) => entry.success !== undefined && entry.success !== null;

function outcome(entry) {
  if (!ended(entry)) return ["busy", "running"];
  return entry.success ? ["ok", "done"] : ["bad", `failed${entry.status ? ` ${entry.status}` : ""}`];
}

class CommandRow {
  constructor(entry) {
    this.node = copyOf("command-row");
    this.parts = partsOf(this.node);
    this.update(entry);
  }

  update(entry) {
    const { parts } = this;
    this.entry = entry;
    setText(parts.time, clock(entry.startedAt));
    stamp(parts.time, entry.startedAt);
    setText(parts.event, entry.event);
    setText(parts.user, entry.user ?? "");
    setBadge(parts.outcome, ...outcome(entry));
    setText(parts.message, entry.message ?? "");
    this.draw();
  }

  draw() {
    const { ms, startedAt } = this.entry;
    setText(this.parts.took, ended(this.entry) ? duration(ms ?? 0) : span(now() - startedAt));
  }
}

export class Commands {
  constructor() {
    this.rows = new Map();
    this.body = byId("commands");
    this.failed = byId("commands-failed");
    this.failed.addEventListener("change", () => this.filter());
    everySecond(() => this.rows.forEach((row) => ended(row.entry) || row.draw()));
  }

  /** All of them, the newest first. */
  replace(list) {
    this.rows.clear();
    this.body.replaceChildren();
    for (const entry of [...list].reverse()) this.put(entry);
    this.filter();
  }

  add(entry) {
    this.put(entry);
    this.filter();
  }

  put(entry) {
    const known = this.rows.get(entry.id);
    if (known) return known.update(entry);
    const row = new CommandRow(entry);
    this.rows.set(entry.id, row);
    this.body.prepend(row.node);
    if (this.rows.size > MOST) this.forget();
  }

  forget() {
    const [id, row] = this.rows.entries().next().value;
    row.node.remove();
    this.rows.delete(id);
  }

  filter() {
    let shown = 0;
    for (const { node, entry } of this.rows.values()) {
      node.hidden = this.failed.checked && entry.success !== false;
      if (!node.hidden) shown += 1;
    }
    byId("commands-none").hidden = shown > 0;
    setText(byId("commands-none"), this.rows.size ? "None of them failed." : "No command has come yet.");
    byId("commands-box").hidden = shown === 0;
  }
}
