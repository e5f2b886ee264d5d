// A container's output: its last lines, and those that come.
import { command } from "./api.js";
import { byId, openDialog, partsOf } from "./dom.js";
import { Lines } from "./lines.js";

const TAIL = 200;
const MOST = 2000;

function draw(text) {
  const node = document.createElement("p");
  node.textContent = text || " ";
  return node;
}

export class Output {
  constructor() {
    this.dialog = byId("output");
    this.parts = partsOf(this.dialog);
    this.lines = new Lines(this.parts.lines, this.parts.newest, { draw, text: (line) => line, most: MOST });
    this.parts.close.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.stop());
    this.parts.filter.addEventListener("input", () => this.filter());
  }

  open({ username }) {
    this.lines.clear();
    this.parts.user.textContent = username;
    this.parts.filter.value = "";
    this.filter();
    openDialog(this.dialog);
    this.parts.lines.focus();
    this.follow(username);
  }

  say(text) {
    this.parts.status.textContent = text;
  }

  filter() {
    const wanted = this.parts.filter.value.toLowerCase();
    this.lines.filter(({ text }) => text.includes(wanted));
  }

  // Lines of one moment are put in at once.
  take(line) {
    this.waiting.push(line);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.lines.add(this.waiting.splice(0));
    });
  }

  follow(username) {
    this.waiting = [];
    this.say("reading");
    const source = new EventSource(`/api/logs/${encodeURIComponent(username)}?tail=${TAIL}&follow=1`);
    this.source = source;
    source.addEventListener("open", () => this.say("following"));
    source.addEventListener("line", (event) => this.take(JSON.parse(event.data)));
    source.addEventListener("end", (event) => this.ended(JSON.parse(event.data).message ?? "the end"));
    source.addEventListener("error", () => this.source === source && this.failed(username, source.readyState));
  }

  ended(message) {
    this.stop();
    this.say(message);
  }

  // Where nothing can be followed the command tells why, or gives what there is.
  async failed(username) {
    this.stop();
    if (this.lines.lines.length || this.waiting.length) return this.say("the stream has ended");
    const reply = await command("container-logs", { username, tail: TAIL });
    if (!this.dialog.open || this.source) return;
    if (reply.success) this.lines.add(reply.data.lines);
    this.say(reply.message);
  }

  stop() {
    this.source?.close();
    this.source = undefined;
  }
}
