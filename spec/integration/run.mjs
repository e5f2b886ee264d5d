// Runs the suites one after the other (`npm test`, or `npm test -- NAME…` for some) and looks for what they left behind.
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { leftovers } from "../support/suite.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const ENDING = ".test.mjs";

async function chosen(names) {
  const all = (await readdir(HERE)).filter((file) => file.endsWith(ENDING)).sort();
  if (!names.length) return all;
  const wanted = names.map((name) => `${name}${ENDING}`);
  const unknown = wanted.filter((file) => !all.includes(file));
  if (unknown.length) throw new Error(`no such suite: ${unknown.join(", ")}; there are ${all.join(", ")}`);
  return wanted;
}

function run(file) {
  const args = ["--test", "--test-reporter=spec", join(HERE, file)];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: "inherit" });
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}

async function main() {
  const failures = [];
  for (const file of await chosen(process.argv.slice(2))) {
    const began = Date.now();
    const code = await run(file);
    console.log(`${code === 0 ? "passed" : "FAILED"} ${file} in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
    if (code !== 0) failures.push(file);
  }
  const left = (await leftovers()).map((container) => container.Name);
  if (left.length) failures.push(`containers are left behind: ${left.join(" ")}`);
  if (failures.length) console.log(`failed: ${failures.join(", ")}`);
  process.exitCode = failures.length ? 1 : 0;
}

await main();
