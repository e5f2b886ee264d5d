// A node that is killed where one of its commands calls Docker, and what Docker then has of the user.
import assert from "node:assert/strict";
import { join } from "node:path";
import { createInstance, deleteInstance, resumeInstance, stopInstance } from "./deployed-dialect.mjs";
import * as docker from "./docker.mjs";
import { Dockhost } from "./dockhost.mjs";
import { ScriptedDocker } from "./scripted-docker.mjs";
import { until, within } from "./until.mjs";

const EVENTS = { create: "start_container", start: "resume_container", stop: "stop_container", delete: "delete_container" };
// Which calls of a command there must be, whatever else it asks.
const DEEDS = {
  create: ["POST /containers/create #1", "PUT /containers/ID/archive #1", "POST /containers/ID/start #1",
    "GET /containers/ID/json #1"],
  start: ["POST /containers/ID/start #1"],
  stop: ["POST /containers/ID/stop #1"],
  delete: ["DELETE /containers/ID #1"],
};

// A sweep, which the creations of another node on this Docker bring about, may be taken for a call of the command.
const LOOK = /^GET \/containers\/json /;

export const COMMANDS = Object.keys(EVENTS);
export const LEAK = "the ports to be free";

export class KillPoints {
  /** `user` and `port` of a case are its own, so that the clean-up of one does not hinder the next. */
  constructor(suite) {
    Object.assign(this, { suite, cases: 0, removals: [] });
  }

  async open() {
    const { suite } = this;
    this.home = await suite.home();
    this.docker = suite.closing(new ScriptedDocker(join(this.home, "docker.sock")), (it) => it.close());
    await this.docker.open();
    this.server = await suite.server();
    this.launch();
    suite.closing(this, () => this.node.stop());
    suite.closing(this.removals, (all) => Promise.all(all));
  }

  /** Starts the node; `mark` is where its calls begin. */
  launch({ settings, ...options } = {}) {
    const { server, home } = this;
    const link = { MAIN_SERVER_BACKEND_URL: server.url, DOCKHOST_API_KEY: server.key(), DOCKER_HOST: this.docker.host };
    this.mark = this.docker.calls.length;
    this.node = new Dockhost({ args: ["run"], home, settings: this.suite.settings({ ...link, ...settings }), ...options });
  }

  /** The monitor's first look is over: the calls that follow are a command's. */
  async quiet() {
    await this.server.backend();
    const looked = (call) => call.is("GET", /^\/containers\/json$/) && call.response.writableFinished;
    await until(() => this.docker.calls.slice(this.mark).some(looked), "the first sweep");
  }

  async kill() {
    this.node.signal("SIGKILL");
    await this.node.exit;
    await until(() => !this.server.connected(), "the server to notice", { every: 2 });
  }

  newCase() {
    this.cases += 1;
    return { user: this.suite.user(), port: this.suite.ports.start + (this.cases % 130) * 3 };
  }

  /** The removal need not be waited for. */
  clean({ user }) {
    this.removals.push(docker.remove(user).catch(() => {}));
  }

  /** Docker's word for the state of the user's container, "absent", or what is wrong with it. */
  async stateOf({ user, port }) {
    const found = await docker.ofUser(user);
    if (found.length > 1) return `${found.length} containers`;
    const container = found.length && (await docker.inspect(found[0].Id));
    if (!container) return "absent";
    const { Status } = container.State;
    if (docker.bindings(container)[22] !== port) return "on other ports";
    if (Status !== "running") return Status;
    const keys = await docker.file(container.Id, "/root/.ssh/authorized_keys");
    if (!keys?.includes(this.suite.key.publicKey)) return "running without keys";
    return Object.values(container.NetworkSettings.Ports).filter(Boolean).length === 3 ? Status : "running without ports";
  }

  async create(given) {
    const { PORT_NO } = await this.expect(201, createInstance(this.server, this.payload(given)));
    if (PORT_NO === given.port) return;
    await this.delete(given);
    assert.fail(LEAK);
  }

  start({ user }) {
    return this.expect(200, resumeInstance(this.server, user));
  }

  stop({ user }) {
    return this.expect(200, stopInstance(this.server, user));
  }

  delete({ user }) {
    return this.expect(200, deleteInstance(this.server, user));
  }

  async expect(status, sequence) {
    const { http } = await sequence;
    assert.equal(http.status, status, JSON.stringify(http.body));
    return http.body;
  }

  payload({ user, port }) {
    return { USERNAME: user, SSH_PUB_KEY: this.suite.key.publicKey, startingPortNo: port };
  }

  /** Brings the user to where the command has work to do. */
  async prepare(command, given) {
    const state = await this.stateOf(given);
    if (command !== "create" && state === "absent") await this.create(given);
    if (command === "start" && state !== "exited") await this.stop(given);
    if (command !== "start" && state === "exited") await this.start(given);
  }

  /** Sends the command alone; resolves to its reply, if one comes. */
  async send(command, given) {
    const socket = await this.server.backend();
    const answer = new Promise((resolve) => socket.once(given.user, resolve));
    socket.emit(EVENTS[command], this.payload(given));
    return answer;
  }

  // Calls `onCall` with each of a command's calls and what tells it from the others, as in "POST /containers/ID/start #1".
  // The background's are passed over, and looks at others' containers.
  watch({ user }, onCall) {
    const seen = {};
    this.docker.use(async (call) => {
      const [, id] = /^\/containers\/([0-9a-f]{64})/.exec(call.path) ?? [];
      if (call.background || (id && id !== (await docker.inspect(user))?.Id)) return false;
      const name = `${call.method} ${call.path.replace(id ?? user, id ? "ID" : "USER")}`;
      seen[name] = (seen[name] ?? 0) + 1;
      return onCall(call, `${name} #${seen[name]}`);
    });
  }

  async callsOf(command) {
    const given = this.newCase();
    await this.prepare(command, given);
    const points = [];
    this.watch(given, (_, point) => void points.push(point));
    const reply = await this.send(command, given);
    this.docker.use(undefined);
    assert.ok(reply.success, JSON.stringify(reply));
    this.clean(given);
    return points;
  }

  /** The calls that the command makes each time. */
  async learn(command) {
    await this.quiet();
    const [first, second] = [await this.callsOf(command), await this.callsOf(command)];
    const points = first.filter((point) => second.includes(point));
    for (const deed of DEEDS[command]) assert.ok(points.includes(deed), `${deed} is not in ${points}`);
    return points;
  }

  /** Runs the command and kills the node at the point: "before" Docker has heard of the call, "amid" its work or "after"
   *  it. Resolves to `{ work }`, which ends when Docker has done that call; or to nothing, for a point that did not come. */
  async killAt(command, given, point, moment) {
    let work;
    const reached = new Promise((resolve) => {
      this.watch(given, async (call, at) => {
        if (at !== point || work) return false;
        work = moment === "before" ? Promise.resolve() : call.forward().catch(() => {});
        if (moment === "after") await work;
        await this.kill();
        call.drop();
        resolve(true);
        return true;
      });
    });
    const passed = this.send(command, given).then(() => false);
    const came = await within(Promise.race([reached, passed]), point, 30000);
    this.docker.use(undefined);
    assert.ok(came || LOOK.test(point), `${point} did not come`);
    return came ? { work } : undefined;
  }
}
