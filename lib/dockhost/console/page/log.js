// The node's log as it is written.
import { byId, setText } from "./dom.js";
import { clock, count, seconds, stamp } from "./format.js";
import { Lines } from "./lines.js";

const MOST = 1000;
const LEVELS = ["debug", "info", "warn", "error"];

const said = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const quoted = (value) => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value));

const fieldsOf = ({ fields }) => Object.entries(fields ?? {})
  .map(([name, value]) => `${name}=${quoted(said(value))}`).join(" ");

const textOf = (record) => [record.level, record.name, record.message, fieldsOf(record)].join(" ");

function span(name, text) {
  const node = document.createElement("span");
  node.className = name;
  node.textContent = text;
  return node;
}

function draw(record) {
  const node = document.createElement("p");
  node.dataset.level = record.level;
  const time = document.createElement("time");
  const at = seconds(record.time);
  time.textContent = clock(at);
  stamp(time, at);
  const name = record.name ? `${record.name}: ` : "";
  node.append(time, " ", span("level", record.level), " ", span("soft", name), said(record.message), " ");
  node.append(span("soft", fieldsOf(record)));
  return node;
}

export class Log {
  constructor() {
    this.lines = new Lines(byId("log"), byId("log-newest"), { draw, text: textOf, most: MOST });
    this.text = byId("log-filter");
    this.level = byId("log-level");
    for (const control of [this.text, this.level]) control.addEventListener("input", () => this.filter());
  }

  replace(records) {
    this.lines.clear();
    this.add(records);
  }

  add(records) {
    this.lines.add(records);
    if (this.filtered) this.tell();
  }

  get filtered() {
    return this.text.value !== "" || this.level.value !== "debug";
  }

  filter() {
    const text = this.text.value.toLowerCase();
    const least = LEVELS.indexOf(this.level.value);
    this.lines.filter((line) => LEVELS.indexOf(line.value.level) >= least && line.text.includes(text));
    this.tell();
  }

  tell() {
    setText(byId("log-count"), this.filtered ? `${this.lines.shown} of ${count(this.lines.lines.length, "line")}` : "");
  }
}
