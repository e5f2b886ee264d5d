// Sends cases to a node, one by one, and learns how each was taken: behind each goes an event that nobody handles, whose
// acknowledgement tells that the connection is still up.
import { once } from "node:events";
import { within } from "./until.mjs";

const FIRST_MARK = 1e9;

/** Sends a frame of a case. */
export function transmit(peer, frame) {
  if (frame.text !== undefined) peer.socket.send(frame.text, { binary: false });
  else peer.socket.send(frame, { binary: Buffer.isBuffer(frame) });
}

const shown = (frame) => JSON.stringify((frame.text ?? Buffer.from(frame)).toString("latin1")).slice(0, 200);

export class HostileRun {
  constructor(server) {
    Object.assign(this, { server, mark: FIRST_MARK, taken: 0, closings: 0 });
  }

  /** Sends all cases, over as many connections as that takes. */
  async send(cases) {
    for (const frames of cases) {
      const peer = await this.peer();
      const survived = await within(this.try(peer, frames), () => `an answer to ${frames.map(shown).join(" + ")}`, 30000);
      this.taken += 1;
      if (!survived) this.closings += 1;
    }
  }

  async peer() {
    while (this.server.peers.at(-1)?.closed ?? true) await within(once(this.server.sockets, "connection"), "a new connection");
    return this.server.peers.at(-1);
  }

  // Whether the connection has outlived the case.
  try(peer, frames) {
    this.mark += 1;
    const start = `43${this.mark}[`;
    return new Promise((resolve) => {
      const settle = (survived) => {
        peer.socket.off("message", look).off("close", end);
        peer.received = peer.received.filter((frame) => /^40/.test(frame));
        resolve(survived);
      };
      const look = (data) => data.toString("latin1", 0, start.length) === start && settle(true);
      const end = () => settle(false);
      peer.socket.on("message", look).on("close", end);
      for (const frame of frames) transmit(peer, frame);
      transmit(peer, `42${this.mark}["mark"]`);
    });
  }
}
