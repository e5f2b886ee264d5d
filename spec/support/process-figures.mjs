// What a process holds, from /proc: for tests that nothing grows.
import { readdir, readFile } from "node:fs/promises";

const TICKS = 100;

const kilobytes = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)[1]);

/** `{ descriptors, threads, rss, dirty, cpu }`: memory in KiB (resident, and private and dirty), processor time in s. */
export async function figures(pid) {
  const at = (file) => `/proc/${pid}/${file}`;
  const [open, status, maps, stat] = await Promise.all([
    readdir(at("fd")), readFile(at("status"), "utf8"), readFile(at("smaps_rollup"), "utf8"), readFile(at("stat"), "utf8"),
  ]);
  // The command's name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    descriptors: open.length,
    threads: kilobytes(status, "Threads"),
    rss: kilobytes(status, "VmRSS"),
    dirty: kilobytes(maps, "Private_Dirty"),
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
  };
}

/** Samples a process until `stop()`, which resolves to the largest of each figure. */
export function watchFigures(pid, every = 100) {
  const most = { descriptors: 0, threads: 0, rss: 0, dirty: 0, samples: 0 };
  let stopped = false;
  const look = async () => {
    const now = await figures(pid);
    for (const name of ["descriptors", "threads", "rss", "dirty"]) most[name] = Math.max(most[name], now[name]);
    most.samples += 1;
  };
  const loop = (async () => {
    while (!stopped) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  })();
  loop.catch(() => {});
  return {
    most,
    stop: async () => {
      stopped = true;
      await loop;
      await look();
      return most;
    },
  };
}
