// What the limits on scripts cost a handler: its time under the watchdog and without it, in the host itself.
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { BINARY } from "../lib/subject.mjs";

const LINE = /^(.*?) {2,}([\d.]+) +([\d.]+) +(-?[\d.]+)$/;

export async function run(bench) {
  const tree = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout } = await promisify(execFile)(join(dirname(BINARY), "host-lua"), ["bench/limits.lua"], { cwd: tree });
  for (const line of stdout.trim().split("\n").slice(1)) {
    const [, handler, , , cost] = LINE.exec(line);
    // A turn is what a wait for Docker costs, beside which its microsecond is nothing.
    const goal = handler.includes("turns") ? {} : { goal: "≤ 5 %", met: ({ dockhost }) => dockhost <= 5 };
    bench.row(`limits: ${handler}`, "%", { dockhost: Number(cost) }, goal);
  }
}
