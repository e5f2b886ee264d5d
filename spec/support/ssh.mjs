// A real ssh client and keys of its own making.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const PAUSE = 25;

/** A new key pair, ed25519 unless ssh-keygen's options say another: `{ directory, file, publicKey, remove() }`. */
export async function makeKeyPair(comment = "spec@dockhost", type = ["-t", "ed25519"]) {
  const directory = await mkdtemp(join(tmpdir(), "dockhost-key-"));
  const file = join(directory, "id_ed25519");
  await run("ssh-keygen", ["-q", ...type, "-N", "", "-C", comment, "-f", file]);
  const publicKey = (await readFile(`${file}.pub`, "utf8")).trim();
  return { directory, file, publicKey, remove: () => rm(directory, { recursive: true, force: true }) };
}

const OPTIONS = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes",
  "ConnectTimeout=5", "LogLevel=INFO"].flatMap((option) => ["-o", option]);

function attempt(port, key, command) {
  const target = ["-F", "/dev/null", "-p", String(port), "-i", key.file, ...OPTIONS, "root@127.0.0.1", command];
  return run("ssh", target, { timeout: 20000 });
}

/** Runs a command over ssh and resolves to its output. A port that only just opened may have no sshd behind it yet:
 *  that is retried until `timeout` ms have passed; a refused key or a failed command is not. */
export async function ssh(port, key, command, { timeout = 10000 } = {}) {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return (await attempt(port, key, command)).stdout;
    } catch (error) {
      const early = /closed by|reset by|refused|kex_exchange|banner exchange/i.test(error.stderr ?? "");
      if (!early || Date.now() > deadline) throw new Error(`ssh to port ${port}: ${error.stderr || error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
