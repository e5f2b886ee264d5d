// Any number of containers that Docker never had: a rule for a scripted Docker. `fleet.size` may change.

const id = (index) => (index + 1).toString(16).padStart(64, "a");
const STATES = ["running", "running", "exited", "running", "running", "running", "paused"];

export class Fleet {
  constructor({ size, image, ports }) {
    Object.assign(this, { size, image, ports, ticks: 0 });
  }

  member(index) {
    const name = `student-${String(index + 1).padStart(2, "0")}`;
    const created = 1.7e9 + index * 86400;
    const labels = { "dockhost.managed": "true", "dockhost.username": name };
    return { name, created, labels, id: id(index), state: STATES[index % STATES.length] };
  }

  get members() {
    return Array.from({ length: this.size }, (_, index) => this.member(index));
  }

  list() {
    return this.members.map(({ name, created, labels, id: Id, state: State }) => (
      { Id, Names: [`/${name}`], Image: this.image, State, Created: created, Labels: labels, Ports: [] }));
  }

  inspect(index) {
    const { name, created, labels, id: Id, state } = this.member(index);
    const bind = (offset) => [{ HostIp: "", HostPort: String(this.ports.start + index * 3 + offset) }];
    return { Id, Name: `/${name}`, Created: new Date(created * 1000).toISOString(), RestartCount: 0,
      State: { Status: state, StartedAt: new Date(created * 1000).toISOString(), ExitCode: 0 },
      Config: { Image: this.image, Labels: labels, Tty: true },
      HostConfig: { PortBindings: { "22/tcp": bind(0), "80/tcp": bind(1), "443/tcp": bind(2) } },
      NetworkSettings: { Ports: {} } };
  }

  // A busy tenth of a processor, more or less.
  stats(index) {
    this.ticks += 1;
    const now = Date.now() * 1e6;
    const used = now * 0.1 + Math.sin(this.ticks) * 1e8 + index;
    return { cpu_stats: { cpu_usage: { total_usage: used }, system_cpu_usage: now * 2, online_cpus: 2 },
      memory_stats: { usage: (30 + index) * 2 ** 20, limit: 512 * 2 ** 20, stats: {} } };
  }

  /** For ScriptedDocker's `use`. */
  rule(call) {
    if (call.is("GET", /^\/containers\/json$/)) return this.answer(call, this.list());
    const [, found, what] = /^\/containers\/([^/]+)\/(json|stats|logs)$/.exec(call.path) ?? [];
    const index = this.members.findIndex(({ id: own, name }) => found === own || found === name);
    if (call.method !== "GET" || index === -1) return false;
    if (what === "logs") return this.follow(call);
    return this.answer(call, what === "json" ? this.inspect(index) : this.stats(index));
  }

  // What has been written, and no end.
  follow(call) {
    const line = (_, index) => `Accepted publickey for root from 192.0.2.9 port ${40000 + index} ssh2: ED25519\r\n`;
    call.response.writeHead(200, { "Content-Type": "application/vnd.docker.raw-stream" });
    call.response.write(Array.from({ length: 60 }, line).join(""));
    return true;
  }

  answer(call, value, status = 200) {
    call.answer(status, value);
    return true;
  }
}
