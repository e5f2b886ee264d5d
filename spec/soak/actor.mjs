// One user of a soak: asks for one thing after the other, and holds each answer against what is known of the container.
import { isCheck, isDeployed, isDocumented } from "./link.mjs";
import { UserModel } from "./model.mjs";

const EVENTS = { create: "start_container", stop: "stop_container", resume: "resume_container", delete: "delete_container",
  exists: "check_if_container_exists", running: "check_if_container_running",
  list: "list-containers", status: "container-status", logs: "container-logs" };
const READS = { exists: 30, running: 25, list: 15, status: 12, logs: 4 };
// What makes sense next, so that most of it does something.
const CHANGES = { none: { create: 10, delete: 1, resume: 1 }, running: { stop: 5, delete: 3, create: 1, resume: 1 }, stopped: { resume: 6, delete: 2, stop: 1 } };

export class Actor {
  /** `soak`: { link, random, key, ports, disturbed(), complain(message), name(), held() }. `changes`: the share of commands that change something. */
  constructor(soak, { changes }) {
    Object.assign(this, { soak, changes, asked: 0 });
    this.begin();
  }

  begin() {
    this.user = this.soak.name();
    this.model = new UserModel();
  }

  choose() {
    const { random } = this.soak;
    if (!random.chance(this.changes)) return random.weighted(READS);
    return random.weighted(CHANGES[[...this.model.possible].at(-1)]);
  }

  payload(operation) {
    const { key, ports } = this.soak;
    if (operation === "create") return { USERNAME: this.user, SSH_PUB_KEY: key, startingPortNo: ports.start };
    return EVENTS[operation].includes("_") ? { USERNAME: this.user } : { username: this.user };
  }

  async step() {
    const { soak, model } = this;
    const operation = this.choose();
    const documented = !EVENTS[operation].includes("_");
    const fits = documented ? isDocumented : operation in READS ? isCheck : isDeployed;
    const acknowledged = documented || soak.random.chance(0.5);
    const { answer } = await soak.link.ask(this.user, EVENTS[operation], this.payload(operation), { acknowledged, fits });
    this.asked += 1;
    if (answer === undefined) return model.lost(operation);
    const wrong = fits(answer) ? this.judge(operation, answer) : "an answer of another shape";
    if (wrong) soak.complain(`${operation} of ${this.user}: ${wrong}: ${JSON.stringify(answer).slice(0, 300)}`);
    // Users come and go.
    if (operation === "delete" && answer.status === 200 && soak.random.chance(0.5)) this.begin();
  }

  judge(operation, answer) {
    const { soak, model } = this;
    if (operation === "exists") return model.answered(operation, { exists: answer }, soak.disturbed());
    if (operation === "running") return model.answered(operation, { running: answer }, soak.disturbed());
    // The daemon's own proxy of the container that has just been stopped, on a machine with much to do.
    if (operation === "resume" && /address already in use/.test(answer.message)) return soak.held() && model.possible.add("running") && undefined;
    if (isDeployed(answer)) return model.answered(operation, answer, soak.disturbed());
    if (operation === "list" && answer.success) return this.listed(answer.data.containers);
    if (answer.success) return model.answered(operation, { status: 200 }, soak.disturbed());
    if (soak.disturbed()) return undefined;
    return model.may("none") ? undefined : "a failure, and no fault was near";
  }

  listed(containers) {
    const found = containers[0]?.state ?? "none";
    const state = found === "exited" ? "stopped" : found;
    if (containers.length > 1) return `${containers.length} containers`;
    // What is half made may be seen by an onlooker.
    return this.model.may(state) || this.soak.disturbed() ? undefined : `the list says ${state}, possible is ${[...this.model.possible]}`;
  }

  /** Steps until `over()`, with `pause()` milliseconds in between. */
  async run(over, pause = () => 0) {
    while (!over()) {
      await this.step();
      const milliseconds = pause();
      if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
    }
  }
}
