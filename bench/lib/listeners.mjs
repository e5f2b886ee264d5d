// Holds that many listeners, from port 20000 on, until it is killed; says so when all are there.
import net from "node:net";

const FIRST = 20000;
const wanted = Number(process.argv[2]);
let open = 0;
for (let port = FIRST, left = wanted; left > 0 && port < 65536; port += 1, left -= 1) {
  const server = net.createServer();
  const count = () => {
    open += 1;
    if (open === wanted) process.send("ready");
  };
  server.once("error", count).listen(port, "0.0.0.0", count);
}
process.on("disconnect", () => process.exit(0));
