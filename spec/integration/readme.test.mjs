// README's lines for local mode, run as they stand there.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BINARY, environment, ROOT } from "../support/dockhost.mjs";
import { Suite } from "../support/suite.mjs";

const suite = new Suite("readme", { users: ["demo"] });

async function block(mark) {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const found = readme.match(new RegExp(`<!-- run: ${mark} -->\n\`\`\`\\w+\n([^]*?)\`\`\``));
  assert.ok(found, `README.md has a block marked "run: ${mark}"`);
  return found[1];
}

/** A working directory in which build/dockhost is the program under test. */
async function workplace() {
  const home = await suite.home();
  await mkdir(join(home, "build"));
  await symlink(BINARY, join(home, "build/dockhost"));
  return home;
}

suite.test("local mode: the lines make a container, log in, and remove it", async () => {
  const home = await workplace();
  const node = await suite.launch(["run"], { home });
  await node.line(/local mode/);
  const env = environment(home, suite.settings());
  const lines = await block("local mode");
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", lines], { cwd: home, env });
  assert.match(stdout, /^demo +running +\d+ \d+ \d+/m);
  assert.match(stdout, /^Linux /m);
  assert.match(stdout, /Instance deleted successfully/);
  await node.stop();
});
