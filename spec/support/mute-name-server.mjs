// A name server that hears every question and answers none.
import dgram from "node:dgram";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** `wrapper` starts a process that has no other name server; `questions` are those that came. `address` is the suite's own. */
export async function muteNameServer(suite, address) {
  const questions = [];
  const socket = suite.closing(dgram.createSocket("udp4"), (open) => open.close());
  socket.on("message", (question) => questions.push(question.toString("latin1")));
  await new Promise((resolve, reject) => socket.once("error", reject).bind(53, address, resolve));
  const file = join(await suite.home(), "resolv.conf");
  await writeFile(file, `nameserver ${address}\noptions timeout:30 attempts:5\n`);
  return { questions, wrapper: ["unshare", "--mount", "sh", "-c", `mount --bind ${file} /etc/resolv.conf && exec "$@"`, "sh"] };
}
