// A Docker daemon of our own beside the machine's, to be stopped, killed and frozen. It has a containerd and a network
// namespace to itself, since two daemons in one take each other's bridges and firewall rules away.
import { execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readlink, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { SOCKET } from "./docker.mjs";
import { until } from "./until.mjs";

const run = promisify(execFile);
const START_TIMEOUT = 60000;

function request(socketPath, method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    http.request({ socketPath, agent: false, method, path, headers }, resolve).on("error", reject).end(body);
  });
}

async function text(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

function processes() {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((name) => {
    const [, parent] = /\) \S (\d+)/.exec(read(`/proc/${name}/stat`)) ?? [];
    return { pid: Number(name), parent: Number(parent), command: read(`/proc/${name}/cmdline`).replaceAll("\0", " ") };
  });
}

function descendants(all, pids) {
  const found = all.filter(({ parent }) => pids.includes(parent)).map(({ pid }) => pid);
  return found.length ? [...found, ...descendants(all, found)] : [];
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** A process that is watched to its end. */
class Daemon {
  constructor(program, args, log) {
    const output = openSync(log, "a");
    this.child = spawn(program, args, { stdio: ["ignore", output, output] });
    closeSync(output);
    this.exit = new Promise((resolve) => this.child.once("error", resolve).once("exit", resolve));
    this.exit.then(() => (this.ended = true));
  }

  async end(signal) {
    if (this.ended) return;
    this.child.kill(signal);
    this.child.kill("SIGCONT");
    await this.exit;
  }
}

export class SecondDocker {
  /** Starts it, with `image` copied from the machine's own daemon. */
  static async open(image) {
    const docker = new SecondDocker();
    docker.directory = await mkdtemp(join(tmpdir(), "dh2-"));
    // Not the machine's own settings.
    await writeFile(docker.path("daemon.json"), "{}");
    try {
      await docker.makeNetwork();
      await docker.start();
      await docker.load(image);
    } catch (error) {
      const log = docker.tail();
      await docker.close();
      throw new Error(`${error.message}; its log ends:\n${log}`);
    }
    return docker;
  }

  path(name) {
    return join(this.directory, name);
  }

  get socket() {
    return this.path("docker.sock");
  }

  get host() {
    return `unix://${this.socket}`;
  }

  tail() {
    return read(this.path("log")).split("\n").slice(-15).join("\n");
  }

  /** A process that does nothing keeps the namespace, however often the daemon dies. */
  async makeNetwork() {
    this.keeper = new Daemon("unshare", ["--net", "sleep", "infinity"], this.path("log"));
    const { pid } = this.keeper.child;
    const ours = await readlink("/proc/self/ns/net");
    await until(async () => (await readlink(`/proc/${pid}/ns/net`)) !== ours, "a network namespace");
    this.inside = ["nsenter", `--net=/proc/${pid}/ns/net`];
    const [program, ...args] = [...this.inside, "ip", "link", "set", "lo", "up"];
    await run(program, args);
  }

  async startContainerd() {
    if (this.containerd && !this.containerd.ended) return;
    await mkdir(this.path("containerd"), { recursive: true });
    await writeFile(this.path("containerd.toml"), 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    this.containerd = new Daemon("containerd", ["--config", this.path("containerd.toml"), "--root",
      this.path("containerd"), "--state", this.path("c"), "--address", this.path("c.sock")], this.path("log"));
  }

  async start() {
    await this.startContainerd();
    // A daemon that was killed leaves its pid behind, which may be another process's by now.
    await rm(this.path("pid"), { force: true });
    const [program, ...args] = [...this.inside, "dockerd"];
    this.daemon = new Daemon(program, [...args, "--host", this.host, "--data-root", this.path("data"), "--exec-root",
      this.path("exec"), "--pidfile", this.path("pid"), "--containerd", this.path("c.sock"), "--exec-opt",
      "native.cgroupdriver=cgroupfs", "--config-file", this.path("daemon.json")], this.path("log"));
    await until(async () => {
      if (this.daemon.ended) throw new Error("the second Docker ended at once");
      return (await this.call("GET", "/_ping").catch(() => undefined)) !== undefined;
    }, "the second Docker to answer", { timeout: START_TIMEOUT });
  }

  async load(image) {
    const saved = await request(SOCKET, "GET", `/images/${encodeURIComponent(image)}/get`);
    if (saved.statusCode !== 200) throw new Error(`${image} can't be saved: ${await text(saved)}`);
    const loaded = await new Promise((resolve, reject) => {
      const options = { socketPath: this.socket, agent: false, method: "POST", path: "/images/load?quiet=1",
        headers: { "Content-Type": "application/x-tar" } };
      saved.pipe(http.request(options, resolve).on("error", reject));
    });
    const answer = await text(loaded);
    if (loaded.statusCode !== 200 || !answer.includes("Loaded image")) throw new Error(`${image} can't be loaded: ${answer}`);
  }

  /** Docker's answer, or null where it is a 404. */
  async call(method, path, body) {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const response = await request(this.socket, method, path, body === undefined ? undefined : JSON.stringify(body), headers);
    const answer = await text(response);
    if (response.statusCode === 404) return null;
    if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${answer}`);
    return answer.startsWith("{") || answer.startsWith("[") ? JSON.parse(answer) : answer;
  }

  list() {
    return this.call("GET", "/containers/json?all=1");
  }

  inspect(name) {
    return this.call("GET", `/containers/${name}/json`);
  }

  /** SIGTERM, as `systemctl stop docker`. */
  stop() {
    return this.daemon.end("SIGTERM");
  }

  /** SIGKILL, of its containerd too where `containerd` is set. */
  async kill({ containerd = false } = {}) {
    await this.daemon.end("SIGKILL");
    if (containerd) await this.containerd.end("SIGKILL");
  }

  freeze() {
    this.daemon.child.kill("SIGSTOP");
  }

  thaw() {
    this.daemon.child.kill("SIGCONT");
  }

  /** Ends what is left in its containers, however dead the daemon is. */
  async killContainers() {
    const shims = () => processes().filter(({ command }) => command.includes("shim") && command.includes(this.directory));
    await until(() => {
      const all = processes();
      const mine = shims().map(({ pid }) => pid);
      for (const pid of [...descendants(all, mine), ...mine]) kill(pid, "SIGKILL");
      return mine.length === 0;
    }, "the containers' processes to end");
  }

  async unmount() {
    const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
    for (const mount of mounts.reverse().filter((path) => path.startsWith(`${this.directory}/`))) {
      await run("umount", ["-l", mount]).catch(() => {});
    }
  }

  async close() {
    await this.daemon?.end("SIGKILL");
    await this.killContainers();
    await this.containerd?.end("SIGKILL");
    await this.unmount();
    await this.keeper?.end("SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }
}
