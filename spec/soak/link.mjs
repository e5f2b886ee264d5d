// The main server's side of a soak: sends commands over whichever connection there is, and knows of each whether it was
// answered, or may have been lost with its connection.
import { MainServer } from "../support/main-server.mjs";
import { until } from "../support/until.mjs";

// What the contract gives a command, and a little.
const ANSWER_SECONDS = 300;
const REACHABLE_SECONDS = 90;

/** Whether a value has the shape of each dialect's answers. */
export const isDocumented = (value) => typeof value?.success === "boolean" && value.status === undefined;
export const isDeployed = (value) => Number.isInteger(value?.status);
export const isCheck = (value) => typeof value === "boolean";

export class SoakLink {
  /** `complain(message)` hears of what must never be. */
  constructor(complain) {
    this.complain = complain;
    this.waiting = new Map();
    this.strays = new Map();
    this.answers = 0;
    this.lost = 0;
  }

  async listen(options) {
    this.server = await new MainServer(options).listen();
    this.server.io.of("/").on("connection", (socket) => this.watch(socket));
    return this;
  }

  watch(socket) {
    socket.onAny((name, value) => this.event(name, value));
    const taken = socket.onack.bind(socket);
    socket.onack = (packet) => {
      if (!socket.acks.has(packet.id)) this.complain(`a second acknowledgement, of ${packet.id}`);
      taken(packet);
    };
    // Of a long run not every socket and event is kept.
    this.server.connections = this.server.connections.slice(-100);
    this.server.received.length = this.server.disconnects.length = 0;
  }

  // An answer that comes as the user's event: to a command of the deployed dialect, or in a later connection.
  event(user, value) {
    const ticket = this.waiting.get(user);
    if (ticket?.answer === undefined && ticket?.fits(value)) return this.settle(user, ticket, value);
    // A barrier whose connection broke is answered so as well.
    const strays = this.strays.get(user) ?? 0;
    if (strays > 0 && isDocumented(value)) return this.strays.set(user, strays - 1);
    return this.complain(`an answer that nobody waits for, to ${user}: ${JSON.stringify(value)?.slice(0, 200)}`);
  }

  settle(user, ticket, value) {
    if (ticket.answer !== undefined) return this.complain(`a second answer to ${ticket.event} of ${user}`);
    ticket.answer = value;
    this.answers += 1;
  }

  async socket() {
    const { server } = this;
    return until(() => server.connected(), "the node to be reachable", { timeout: REACHABLE_SECONDS * 1000, every: 5 });
  }

  /** Sends one command of a user who has none under way. Resolves to `{ answer }`, or `{}` where the link lost it. */
  async ask(user, event, payload, { acknowledged, fits }) {
    const ticket = { event, fits, answer: undefined };
    this.waiting.set(user, ticket);
    const socket = await this.socket();
    const take = (value) => this.settle(user, ticket, value);
    if (acknowledged) socket.emit(event, payload, take);
    else socket.emit(event, payload);
    const over = () => ticket.answer !== undefined || !socket.connected;
    await until(over, () => `an answer to ${event} of ${user}, with the link up`, { timeout: ANSWER_SECONDS * 1000, every: 2 });
    if (ticket.answer === undefined) await this.barrier(user);
    this.waiting.delete(user);
    if (ticket.answer === undefined) this.lost += 1;
    return { answer: ticket.answer };
  }

  // Commands of a user are answered in order: when this one is, what came before has been answered or is lost.
  async barrier(user) {
    for (;;) {
      const socket = await this.socket();
      let done = false;
      socket.emit("list-containers", { username: user }, () => (done = true));
      await until(() => done || !socket.connected, `an answer to list-containers of ${user}`, { timeout: ANSWER_SECONDS * 1000, every: 5 });
      if (done) return;
      this.strays.set(user, (this.strays.get(user) ?? 0) + 1);
    }
  }

  close() {
    return this.server.close();
  }
}
