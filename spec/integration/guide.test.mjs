// The guide lua/README.md, followed to the letter: its files are saved, its lines run, and what they print is compared.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as docker from "../support/docker.mjs";
import { BINARY, environment } from "../support/dockhost.mjs";
import { guide, pattern } from "../support/guide.mjs";
import { Suite } from "../support/suite.mjs";
import { until, within } from "../support/until.mjs";

const suite = new Suite("guide", { users: ["ada", "guest7"] });

/** A shell's run of a block: `{ stdout, stderr, ended }`, which grow and come as it goes on. */
function shell(lines, options) {
  const child = spawn("bash", ["-euo", "pipefail", "-c", lines], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const run = { child, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (run.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (run.stderr += text));
  run.ended = new Promise((done) => child.once("close", (code, signal) => done(code ?? signal)));
  return run;
}

/** The first terminal: a block runs to its end, and prints what the guide shows. */
async function run({ run: lines, output, line }, options) {
  const block = shell(lines, options);
  const code = await within(block.ended, () => `the end of lua/README.md:${line}\n${block.stdout}${block.stderr}`, 60000);
  assert.equal(code, 0, `lua/README.md:${line} ended with ${code}\n${block.stdout}${block.stderr}`);
  if (output !== undefined) assert.match(block.stdout, new RegExp(`^${pattern(output)}\n$`), `lua/README.md:${line}`);
}

/** The second terminal: its block goes on, and shows one thing after the other. */
class SecondTerminal {
  constructor(lines, options) {
    // So that a signal reaches the program, as ctrl-C would.
    this.block = suite.closing(shell(`exec ${lines}`, options), ({ child, ended }) => child.kill("SIGKILL") && ended);
    this.seen = 0;
  }

  async shows({ shows, line }) {
    const wanted = new RegExp(`^\\S+ ${pattern(shows).replaceAll("\n", "\n(?:.*\n)*?\\S+ ")}$`, "m");
    const found = await until(() => wanted.exec(this.block.stderr.slice(this.seen)), () =>
      `what lua/README.md:${line} shows: ${wanted}\n${this.block.stderr.slice(this.seen)}`, { timeout: 15000 });
    this.seen += found.index + found[0].length;
  }

  async stop() {
    this.block.child.kill("SIGINT");
    assert.equal(await within(this.block.ended, () => `the end of the node\n${this.block.stderr}`, 15000), 0);
  }
}

suite.test("a new user follows it from its beginning to its end", async () => {
  const home = await suite.home();
  await mkdir(join(home, "bin"));
  await symlink(BINARY, join(home, "bin/dockhost"));
  const env = environment(home, suite.settings());
  const options = { cwd: home, env: { ...env, PATH: `${join(home, "bin")}:${env.PATH}` } };
  let second;
  for (const step of await guide()) {
    if (step.file) {
      await mkdir(dirname(join(home, step.file)), { recursive: true });
      await writeFile(join(home, step.file), step.text);
    } else if (step.second) {
      second = new SecondTerminal(step.run, options);
    } else if (step.shows) {
      await second.shows(step);
    } else {
      await run(step, options);
    }
  }
  await second.stop();
  assert.deepEqual([...(await docker.ofUser("ada")), ...(await docker.ofUser("guest7"))], [], "nothing is left of it");
});
