// The inside of such a namespace: the ports of ALONE_PORTS lead to unix sockets in ALONE_DIRECTORY, and the browser
// runs with the pipes that it was given.
import { execFileSync, spawn } from "node:child_process";
import net from "node:net";
import { join } from "node:path";

const { ALONE_DIRECTORY, ALONE_PORTS, ALONE_BROWSER } = process.env;

function relay(near, far) {
  for (const [from, to] of [[near, far], [far, near]]) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}

const listen = (port) => new Promise((resolve, reject) => {
  const server = net.createServer((near) => relay(near, net.connect(join(ALONE_DIRECTORY, `${port}.sock`))));
  server.once("error", reject).listen(port, "127.0.0.1", resolve);
});

execFileSync("ip", ["link", "set", "lo", "up"]);
await Promise.all(ALONE_PORTS.split(" ").map((port) => listen(Number(port))));
const browser = spawn(ALONE_BROWSER, process.argv.slice(2), { stdio: [0, 1, 2, 3, 4] });
browser.once("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
browser.once("exit", (code) => process.exit(code ?? 1));
