// A headless Chromium that reaches this machine's loopback by the ports that it is told, and nothing else.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const PROGRAM = "/usr/bin/chromium";
const ALONE = fileURLToPath(new URL("alone", import.meta.url));

function relay(near, far) {
  for (const [from, to] of [[near, far], [far, near]]) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}

const listen = (path, port) => new Promise((resolve, reject) => {
  const server = net.createServer((near) => relay(near, net.connect(port, "127.0.0.1")));
  server.once("error", reject).listen(path, () => resolve(server));
});

/** Playwright's browser; what is left of it goes with its `close`. */
export async function openBrowser({ ports }) {
  if (!existsSync(PROGRAM)) throw new Error(`no Chromium here: there is no ${PROGRAM}`);
  const directory = await mkdtemp(join(tmpdir(), "dockhost-browser-"));
  const servers = await Promise.all(ports.map((port) => listen(join(directory, `${port}.sock`), port)));
  const env = { ...process.env, ALONE_DIRECTORY: directory, ALONE_PORTS: ports.join(" "), ALONE_BROWSER: PROGRAM };
  const browser = await chromium.launch({ executablePath: ALONE, args: ["--no-sandbox"], env, timeout: 60000 });
  browser.once("disconnected", () => {
    for (const server of servers) server.close();
    rm(directory, { recursive: true, force: true });
  });
  return browser;
}
