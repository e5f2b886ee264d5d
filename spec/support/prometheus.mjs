// Reading metrics as Prometheus does, and its own tool that judges them.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { ROOT } from "./dockhost.mjs";
import { within } from "./until.mjs";

const PATH = [process.env.PATH, join(ROOT, "build/promtool")].join(delimiter);
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

/** Runs promtool in the top directory: `{ code, output }`. `input` is piped to it. */
export async function promtool(args, input = "") {
  const child = spawn("promtool", args, { cwd: ROOT, env: { ...process.env, PATH }, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = new Promise((resolve, reject) => {
    child.once("error", () => reject(new Error("there is no promtool: packaging/setup/packages test")));
    child.once("close", resolve);
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return { code: await within(ended, `promtool ${args.join(" ")}`, 60000), output };
}

function labels(text = "") {
  const found = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (!match) throw new Error(`these are no labels: ${text}`);
    found[match[1]] = match[2].replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
  }
  return found;
}

const fits = (own, wanted) => Object.entries(wanted).every(([name, value]) => own[name] === value);

/** The samples of a page. */
export class Page {
  constructor(text) {
    this.text = text;
    this.samples = text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => {
      const match = SAMPLE.exec(line);
      if (!match) throw new Error(`this is no sample: ${line}`);
      const value = Number(match[3].replace("Inf", "Infinity"));
      if (Number.isNaN(value)) throw new Error(`this is no value: ${line}`);
      return { name: match[1], labels: labels(match[2]), value, key: line.slice(0, -match[3].length) };
    });
    // promtool does not see it; Prometheus drops such a page.
    const keys = this.samples.map(({ key }) => key);
    const twice = keys.filter((key, at) => keys.indexOf(key) !== at);
    if (twice.length) throw new Error(`these samples are there twice: ${twice.join(", ")}`);
  }

  /** The sum of the samples of that name with those labels; undefined where there is none. */
  value(name, wanted = {}) {
    const found = this.samples.filter((sample) => sample.name === name && fits(sample.labels, wanted));
    return found.length ? found.reduce((sum, sample) => sum + sample.value, 0) : undefined;
  }

  get names() {
    return new Set([...this.text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
  }
}
