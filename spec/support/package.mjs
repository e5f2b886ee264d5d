// Debian packages of the checkout, and machines to install them on: containers of the instance image, which is a plain
// system of this machine's release.
import { execFile, spawn } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SOCKET } from "./docker.mjs";
import { IMAGE, ROOT } from "./dockhost.mjs";
import { until } from "./until.mjs";

const execute = promisify(execFile);
const LARGE = 64 * 1024 * 1024;

export const run = async (program, ...args) => (await execute(program, args, { cwd: ROOT, maxBuffer: LARGE })).stdout;

/** As `run`, for what may fail: `{ status, output }`. */
export async function attempt(program, ...args) {
  try {
    const { stdout, stderr } = await execute(program, args, { cwd: ROOT, maxBuffer: LARGE });
    return { status: 0, output: stdout + stderr };
  } catch (error) {
    return { status: error.code, output: `${error.stdout}${error.stderr}` };
  }
}

/** Builds the package: its path. */
export async function buildPackage() {
  const { status, output } = await attempt("make", "--silent", "deb");
  if (status) throw new Error(output);
  return output.trim().split("\n").at(-1);
}

/** Packs what was unpacked from `deb` into `directory` anew, as `version`, after `change(directory)`. */
export async function repack(deb, directory, version, change) {
  await run("dpkg-deb", "--raw-extract", deb, directory);
  const control = join(directory, "DEBIAN/control");
  await writeFile(control, (await readFile(control, "utf8")).replace(/^Version: .*$/m, `Version: ${version}`));
  await change(directory);
  const packed = `${directory}.deb`;
  await run("dpkg-deb", "--root-owner-group", "--build", directory, packed);
  return packed;
}

/** The files below a directory, as paths from it. */
export async function files(directory, path = "") {
  const entries = await readdir(join(directory, path), { withFileTypes: true });
  const found = entries.map((entry) => {
    const name = `${path}/${entry.name}`;
    return entry.isDirectory() ? files(directory, name) : [name];
  });
  return (await Promise.all(found)).flat().sort();
}

export class Machine {
  constructor(name) {
    this.name = name;
  }

  /** It shares the network, so that apt gets along as it does here, and Docker. Its label is none of a suite's, which would
   * sweep it away when a test fails. */
  async start() {
    await run("docker", "run", "--detach", "--name", this.name, "--network", "host", "--volume", `${SOCKET}:${SOCKET}`,
      "--env", "DEBIAN_FRONTEND=noninteractive", "--label", "dockhost.test=machine", "--entrypoint", "sleep", IMAGE,
      "infinity");
    await this.sh("echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/quick; apt-get -o Acquire::Retries=3 -o Acquire::Languages=none update -qq");
    return this;
  }

  async sh(script) {
    const { status, output } = await this.attempt(script);
    if (status) throw new Error(`${script}\n${output}`);
    return output;
  }

  attempt(script) {
    return attempt("docker", "exec", this.name, "sh", "-c", script);
  }

  copy(file) {
    return run("docker", "cp", file, `${this.name}:/root/`);
  }

  /** A shell script that goes on meanwhile: `{ lines, child }`. */
  launch(script) {
    const child = spawn("docker", ["exec", this.name, "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
    const launched = { child, text: "", get lines() { return this.text.split("\n").filter(Boolean); } };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (launched.text += text));
    launched.line = (pattern) => until(() => launched.lines.find((line) => pattern.test(line)),
      () => `a line like ${pattern} in:\n${launched.text}`, { timeout: 30000 });
    return launched;
  }

  async remove() {
    await attempt("docker", "rm", "--force", this.name);
  }
}

export const removeTree = (path) => rm(path, { recursive: true, force: true });
