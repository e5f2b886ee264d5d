// A Docker in front of the real one whose calls can be held: the one that a test picks waits until the test lets it go on.
import { ScriptedDocker } from "./scripted-docker.mjs";

const ID = "[0-9a-f]{64}";

/** What a create asks of Docker, in order: a name, and which calls they are. */
export const STEPS = {
  "looks for the user": (call) => call.is("GET", /^\/containers\/it-[^/]+\/json$/),
  "counts the containers": (call) => call.is("GET", /^\/containers\/json$/),
  "looks for the image": (call) => call.is("GET", /^\/images\//),
  "reads the bindings": (call) => call.is("GET", /^\/containers\/json$/) && call.docker.saw("GET", /^\/images\//),
  "looks for the network": (call) => call.is("GET", /^\/networks\//),
  creates: (call) => call.is("POST", /^\/containers\/create$/),
  "uploads the key": (call) => call.is("PUT", /\/archive$/),
  starts: (call) => call.is("POST", /\/start$/),
  inspects: (call) => call.is("GET", new RegExp(`^/containers/${ID}/json$`)) && call.docker.saw("POST", /\/start$/),
};

export class HeldDocker extends ScriptedDocker {
  constructor(path) {
    super(path);
    this.gates = [];
    this.watchers = [];
    this.removals = [];
    this.use((call) => this.pause(call));
  }

  saw(method, pattern) {
    return this.seen(method, pattern).length > 0;
  }

  /** As when the daemon starts again: what was held is forgotten. */
  async reopen() {
    this.gates = [];
    await this.open();
  }

  /** From now on the calls that `pick` picks wait in `gate.calls` until `gate.release()`; then Docker does them, whoever
   *  still listens, and they are `done`. */
  hold(pick) {
    const gate = { pick, calls: [] };
    gate.released = new Promise((resolve) => (gate.release = resolve));
    this.gates.push(gate);
    return gate;
  }

  /** From now on `look(call)` sees the calls that `pick` picks before Docker gets them. */
  watch(pick, look) {
    this.watchers.push({ pick, look });
  }

  /** The next `times` calls that `pick` picks are answered so, and nothing is done. */
  refuse(pick, status, message, times = 1) {
    this.gates.push({ pick, times, refuse: (call) => call.answer(status, { message }) });
  }

  /** What Docker says to removals is kept, to explain what is left. */
  async remove(call) {
    const answer = await call.forward();
    this.removals.push(`${answer.status} ${answer.body}`.trim());
    call.relay(answer);
    return true;
  }

  async pause(call) {
    for (const { pick, look } of this.watchers) if (pick(call)) await look(call);
    const gate = this.gates.find((other) => other.times !== 0 && other.pick(call));
    if (!gate) return call.method === "DELETE" && this.remove(call);
    if (gate.refuse) {
      gate.times -= 1;
      gate.refuse(call);
      return true;
    }
    gate.calls.push(call);
    await gate.released;
    call.relay(await call.forward());
    call.done = true;
    return true;
  }
}
