// The curve of what a process holds over time: sampled into a CSV, summed up and drawn as text.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { figures } from "../support/process-figures.mjs";

const COLUMNS = ["seconds", "phase", "descriptors", "threads", "rss", "dirty", "cpu", "commands", "faults"];
const HEIGHT = 10;
const WIDTH = 72;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Least squares: how much `name` rises in an hour over these samples. */
export function slope(samples, name) {
  const [x, y] = [samples.map((it) => it.seconds / 3600), samples.map((it) => it[name])];
  const [middle, level] = [mean(x), mean(y)];
  const spread = x.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return spread === 0 ? 0 : x.reduce((sum, value, i) => sum + (value - middle) * (y[i] - level), 0) / spread;
}

/** One line of the CSV a sample; `state()` adds phase, commands and faults. */
export class Curve {
  constructor(pid, file, state) {
    Object.assign(this, { pid, file, state, samples: [], began: Date.now() });
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${COLUMNS.join(",")}\n`);
  }

  start(every) {
    this.timer = setInterval(() => this.sample().catch(() => clearInterval(this.timer)), every);
  }

  stop() {
    clearInterval(this.timer);
  }

  async sample() {
    const seconds = (Date.now() - this.began) / 1000;
    const sample = { seconds, ...(await figures(this.pid)), ...this.state() };
    this.samples.push(sample);
    appendFileSync(this.file, `${COLUMNS.map((name) => (name === "seconds" ? seconds.toFixed(1) : sample[name])).join(",")}\n`);
    return sample;
  }

  of(phase) {
    return this.samples.filter((sample) => sample.phase === phase);
  }
}

/** Start, mean, most, end and slope of each figure. */
export function table(samples) {
  const rows = ["descriptors", "threads", "rss", "dirty"].map((name) => {
    const values = samples.map((sample) => sample[name]);
    const numbers = [values[0], mean(values), Math.max(...values), values.at(-1), slope(samples, name)];
    return name.padEnd(12) + numbers.map((number) => number.toFixed(1).padStart(12)).join("");
  });
  return [" ".repeat(12) + ["start", "mean", "most", "end", "per hour"].map((word) => word.padStart(12)).join(""), ...rows].join("\n");
}

/** The figure over time, each column the mean of its share of the samples. */
export function draw(samples, name) {
  const width = Math.min(WIDTH, samples.length);
  const share = (column) => samples.slice(Math.floor((column * samples.length) / width), Math.floor(((column + 1) * samples.length) / width));
  const values = Array.from({ length: width }, (_, column) => mean(share(column).map((sample) => sample[name])));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const level = (value) => (high === low ? 0 : Math.round(((value - low) / (high - low)) * (HEIGHT - 1)));
  const rows = Array.from({ length: HEIGHT }, (_, row) => {
    const label = row === 0 ? high : row === HEIGHT - 1 ? low : undefined;
    return `${label === undefined ? "" : label.toFixed(0)}`.padStart(8) + " |" + values.map((value) => (level(value) === HEIGHT - 1 - row ? "*" : " ")).join("");
  });
  return [`${name}, ${(samples.at(-1).seconds - samples[0].seconds).toFixed(0)} s`, ...rows].join("\n");
}
