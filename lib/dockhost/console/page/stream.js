// The stream of what happens. It comes back by itself, and rests while nobody sees the page.
import { welcome } from "./api.js";

const LONGEST_WAIT = 15;
const HIDDEN_MS = 60000;

/**
 * Follows `path`: `events[name](value)` for each event, `changed({ state, failures, retryAt })` with the states
 * `connecting`, `open`, `lost`, `refused` (the token is not taken any more) and `resting`.
 */
export class Stream {
  constructor(path, events, changed) {
    Object.assign(this, { path, events, changed, failures: 0 });
    document.addEventListener("visibilitychange", () => this.watchVisibility());
    window.addEventListener("online", () => this.retry());
    // One that the browser cuts on leaving the page is not lost.
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.open());
    this.open();
  }

  open() {
    this.close();
    this.tell("connecting");
    const source = new EventSource(this.path);
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      this.tell("open");
    });
    source.addEventListener("error", () => this.source === source && this.fail());
    for (const [name, handle] of Object.entries(this.events)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }

  tell(state, retryAt) {
    this.state = state;
    this.changed({ state, failures: this.failures, retryAt });
  }

  // A refusal and a node that is gone look alike to an EventSource.
  async fail() {
    this.close();
    const wait = Math.min(LONGEST_WAIT, 2 ** this.failures);
    this.failures += 1;
    this.tell("lost", Date.now() + wait * 1000);
    this.timer = setTimeout(() => this.open(), wait * 1000);
    if ((await welcome()) === false && this.state === "lost") {
      this.close();
      this.tell("refused");
    }
  }

  retry() {
    if (this.state === "lost" || this.state === "refused" || this.state === "resting") this.open();
  }

  watchVisibility() {
    clearTimeout(this.resting);
    if (!document.hidden) {
      if (this.state !== "refused") this.retry();
      return;
    }
    this.resting = setTimeout(() => {
      this.close();
      this.tell("resting");
    }, HIDDEN_MS);
  }
}
