// Runs the figures, all or those named, and prints one table; the samples' medians and quartiles go to a JSON file.
// Usage: node bench/run.mjs [NAME…]; BENCH_OUT names the directory of the results (build/bench).
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Bench } from "./lib/bench.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const OUT = process.env.BENCH_OUT ?? join(HERE, "../build/bench");
const SUBJECTS = ["dockhost", "agent", "raw"];

const number = (value) => (value === undefined ? "" : value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const ratio = (row, other) => (row[other] && row.dockhost ? `${(row.dockhost.median / row[other].median).toFixed(2)}` : "");

function line(row) {
  const cells = [row.figure, row.unit, ...SUBJECTS.map((name) => number(row[name]?.median)), ratio(row, "agent"), ratio(row, "raw")];
  const verdict = row.met === undefined ? "" : row.met ? "reached" : "MISSED";
  return [...cells, row.goal ?? "", verdict];
}

function table(rows) {
  const lines = [["figure", "unit", ...SUBJECTS, "/agent", "/raw", "goal", ""], ...rows.map(line)];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => [...cells[column]].length)));
  const pad = (cell, column) => (column > 1 && column < 7 ? cell.padStart(widths[column]) : cell + " ".repeat(widths[column] - [...cell].length));
  return lines.map((cells) => cells.map(pad).join("  ").trimEnd()).join("\n");
}

async function chosen(names) {
  const all = (await readdir(join(HERE, "figures"))).map((file) => file.replace(/\.mjs$/, "")).sort();
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length) throw new Error(`no such figure: ${unknown.join(", ")}; there are ${all.join(", ")}`);
  return names.length ? names : all;
}

const bench = new Bench();
try {
  for (const name of await chosen(process.argv.slice(2))) {
    const began = performance.now();
    const { run } = await import(`./figures/${name}.mjs`);
    try {
      await run(bench);
    } finally {
      await bench.clean();
    }
    console.error(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
} finally {
  bench.raw.close();
  await bench.pair?.remove();
}
await mkdir(OUT, { recursive: true });
await writeFile(join(OUT, "results.json"), `${JSON.stringify(bench.rows, null, 2)}\n`);
console.log(table(bench.rows));
