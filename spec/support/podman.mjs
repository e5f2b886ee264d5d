// Podman's Docker-compatible service, root's or that of a user without rights who is made for it, with storage, networks
// and settings of its own: nothing of the machine's Podman is touched. It has the test image, copied from Docker.
// Usage: node spec/support/podman.mjs root|rootless COMMAND…, which runs the command against it.
import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readdirSync, statSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, statfs, writeFile } from "node:fs/promises";
import http from "node:http";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "./until.mjs";

const run = promisify(execFile);
const START_TIMEOUT = 60000;
// Podman gives containers more than a machine with little rights may: less than any has.
const LIMIT = 8192;
const OVERLAYFS = 0x794c7630;

const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

// crun can't work where both kinds of hierarchies have controllers; runc, which Docker brings, can.
const isHybrid = () => /^[1-9]/m.test(read("/proc/self/cgroup")) && /^0::/m.test(read("/proc/self/cgroup"));

const settings = () => `[containers]
default_ulimits = ["nofile=${LIMIT}:${LIMIT}", "nproc=${LIMIT}:${LIMIT}"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
${isHybrid() ? 'runtime = "runc"' : ""}
[network]
network_backend = "netavark"
`;

// Where the machine's own devices are root's alone, the user gets such of its own.
const ROOTLESS = `set -e
for device in net/tun:10:200 fuse:10:229; do
  name=\${device%%:*} numbers=\${device#*:}
  [ -e /dev/$name ] || continue
  [ -e "$1/device-\${name#*/}" ] || mknod -m 666 "$1/device-\${name#*/}" c \${numbers%:*} \${numbers#*:}
  mount --bind "$1/device-\${name#*/}" /dev/$name
done
cd "$1/home"
user=$2
shift 2
exec setpriv --reuid="$user" --regid="$user" --init-groups "$@"`;

function processesOf(uids) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return uids(statSync(`/proc/${pid}`).uid);
    } catch {
      return false;
    }
  });
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

function ask(socketPath, path) {
  return new Promise((resolve, reject) => {
    http.request({ socketPath, agent: false, path }, (response) => resolve(response.resume().statusCode))
      .on("error", reject).end();
  });
}

// What its networks leave in the machine's firewall, by table; a Podman of the machine's has the same.
async function firewall() {
  const { stdout } = await run("iptables-save").catch(() => ({ stdout: "" }));
  return stdout.split("*").slice(1).map((part) => {
    const lines = part.split("\n");
    const chains = lines.map((line) => /^:(NETAVARK\S*)/.exec(line)?.[1]).filter(Boolean);
    const jumps = lines.filter((line) => /^-A (?!NETAVARK).* -j NETAVARK/.test(line)).map((line) => line.slice(3));
    return { table: lines[0], chains, jumps };
  }).filter(({ chains }) => chains.length);
}

async function cleanFirewall() {
  for (const { table, chains, jumps } of await firewall()) {
    const commands = [...jumps.map((rule) => `-D ${rule}`), ...chains.map((chain) => `-F ${chain}`),
      ...chains.map((chain) => `-X ${chain}`)];
    for (const command of commands) await run("sh", ["-c", `iptables --wait -t ${table} ${command}`]);
  }
}

export class Podman {
  static async open({ rootless = false, image }) {
    const podman = new Podman();
    podman.directory = await mkdtemp(join(tmpdir(), "dhp-"));
    // No overlay lies upon another.
    podman.storage = (await statfs(podman.directory)).type === OVERLAYFS ? "vfs" : "overlay";
    try {
      await chmod(podman.directory, 0o711);
      await writeFile(podman.path("containers.conf"), settings());
      if (rootless) await podman.makeUser();
      else podman.alone = (await firewall()).length === 0;
      await podman.load(image);
      await podman.start();
    } catch (error) {
      const log = podman.tail();
      await podman.close();
      throw new Error(`Podman can't be used here: ${error.stderr || error.message}\n${log}`);
    }
    return podman;
  }

  path(name) {
    return join(this.directory, name);
  }

  get socket() {
    return this.path(this.user ? "run/podman.sock" : "podman.sock");
  }

  get host() {
    return `unix://${this.socket}`;
  }

  tail() {
    return read(this.path("log")).split("\n").slice(-15).join("\n");
  }

  async makeUser() {
    const name = `dhp-${process.pid}`;
    await run("useradd", ["--no-create-home", "--home-dir", this.path("home"), "--shell", "/bin/sh", name]);
    this.user = name;
    const { stdout } = await run("id", ["-u", name]);
    this.uid = Number(stdout);
    const ids = new RegExp(`^${name}:(\\d+):(\\d+)`, "m").exec(read("/etc/subuid"));
    if (!ids) throw new Error(`useradd gave ${name} no range in /etc/subuid`);
    this.ids = { first: Number(ids[1]), count: Number(ids[2]) };
    for (const part of ["home", "run"]) {
      await mkdir(this.path(part));
      await chown(this.path(part), this.uid, this.uid);
    }
  }

  /** The program and its arguments for a `podman` of this engine. */
  command(args) {
    if (!this.user) {
      return ["env", `CONTAINERS_CONF=${this.path("containers.conf")}`, "podman", "--root", this.path("root"), "--runroot",
        this.path("run"), "--tmpdir", this.path("tmp"), "--network-config-dir", this.path("networks"), "--storage-driver",
        this.storage, ...args];
    }
    return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", ROOTLESS, "sh", this.directory, this.user, "env",
      "-i", `PATH=${process.env.PATH}`, `HOME=${this.path("home")}`, `USER=${this.user}`,
      `XDG_RUNTIME_DIR=${this.path("run")}`, `CONTAINERS_CONF=${this.path("containers.conf")}`,
      "podman", "--storage-driver", this.storage, ...args];
  }

  run(args) {
    const [program, ...rest] = this.command(args);
    return run(program, rest);
  }

  async load(image) {
    const archive = this.path("image.tar");
    await run("docker", ["save", "-o", archive, image], { env: { ...process.env, DOCKER_HOST: "" } });
    await chmod(archive, 0o644);
    const { stdout } = await this.run(["load", "--quiet", "--input", archive]);
    await rm(archive);
    this.image = /^Loaded image: (\S+)/m.exec(stdout)?.[1];
    if (!this.image) throw new Error(`podman load said ${stdout}`);
  }

  async start() {
    const output = openSync(this.path("log"), "a");
    const [program, ...args] = this.command(["system", "service", "--time=0", this.host]);
    this.service = spawn(program, args, { stdio: ["ignore", output, output] });
    closeSync(output);
    this.ended = new Promise((resolve) => this.service.once("error", resolve).once("exit", resolve));
    this.ended.then(() => (this.over = true));
    await until(async () => {
      if (this.over) throw new Error("the service ended at once");
      return (await ask(this.socket, "/_ping").catch(() => undefined)) === 200;
    }, "Podman's service to answer", { timeout: START_TIMEOUT });
  }

  async endUser() {
    if (!this.uid) return;
    const mine = (uid) => uid === this.uid || this.ids && uid >= this.ids.first && uid < this.ids.first + this.ids.count;
    await until(() => {
      const left = processesOf(mine);
      for (const pid of left) kill(pid, "SIGKILL");
      return left.length === 0;
    }, `the processes of ${this.user} to end`);
    await run("userdel", [this.user]);
  }

  async unmount() {
    const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
    for (const mount of mounts.reverse().filter((path) => path.startsWith(`${this.directory}/`))) {
      await run("umount", ["-l", mount]).catch(() => {});
    }
  }

  async close() {
    if (this.service) {
      await this.run(["rm", "--all", "--force", "--time", "0"]).catch(() => {});
      await this.run(["network", "rm", "--force", "dockhost"]).catch(() => {});
      this.service.kill("SIGTERM");
      await this.ended;
    }
    await this.endUser();
    await this.unmount();
    if (this.alone) await cleanFirewall();
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function main([kind, program, ...args]) {
  const image = process.env.DOCKHOST_TEST_IMAGE || "dockhost-test/instance";
  const podman = await Podman.open({ rootless: kind === "rootless", image });
  // Ctrl-C reaches the command as well: it is waited for.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  const env = { ...process.env, DOCKER_HOST: podman.host, DOCKHOST_TEST_IMAGE: podman.image, DOCKHOST_TEST_ENGINE: kind };
  const child = spawn(program, args, { stdio: "inherit", env });
  const code = await new Promise((resolve) => {
    child.once("error", (error) => resolve(console.error(error.message) ?? 127));
    child.once("exit", (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
  });
  await podman.close();
  process.exitCode = code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
