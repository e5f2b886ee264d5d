// The containers: one row each, kept where it is while it changes, so that nobody loses their place.
import { command } from "./api.js";
import { everySecond } from "./clock.js";
import { byId, partsOf, setText } from "./dom.js";
import { count } from "./format.js";
import { notice } from "./notices.js";
import { Row } from "./row.js";

const order = new Intl.Collator("en", { numeric: true });
const compare = (a, b) => order.compare(a.username, b.username) || (a.username < b.username ? -1 : 1);

export class Containers {
  /** `asks`: what opens a dialog, `{ create(), output(container), remove(container, then) }`. */
  constructor(asks) {
    this.rows = new Map();
    this.list = [];
    this.host = location.hostname;
    this.body = byId("containers");
    this.find = byId("containers-find");
    this.none = byId("containers-none");
    this.noneParts = partsOf(this.none);
    this.does = {
      start: (container) => this.run("start-container", container, "starting"),
      stop: (container) => this.run("stop-container", container, "stopping"),
      output: asks.output,
      remove: (container) => asks.remove(container, () => this.run("delete-container", container, "deleting")),
    };
    this.noneParts.create.addEventListener("click", asks.create);
    this.find.addEventListener("input", () => this.filter());
    everySecond(() => this.rows.forEach((row) => row.drawAge()));
  }

  has(username) {
    return this.list.some((container) => container.username === username);
  }

  async run(event, { containerId, username }, word) {
    this.rows.get(containerId)?.setPending(word);
    const reply = await command(event, { username });
    this.rows.get(containerId)?.setPending(undefined);
    notice(`${username}: ${reply.message}`, reply.success ? "ok" : "bad");
  }

  update(list) {
    this.list = [...list].sort(compare);
    const ids = new Set(list.map(({ containerId }) => containerId));
    for (const [id, row] of this.rows) if (!ids.has(id)) this.drop(id, row);
    this.list.forEach((container, index) => this.place(container, index));
    this.filter();
  }

  place(container, index) {
    let row = this.rows.get(container.containerId);
    if (row) row.update(container, this.host);
    else this.rows.set(container.containerId, (row = new Row(container, this.host, this.does)));
    const there = this.body.children[index];
    if (there !== row.node) this.body.insertBefore(row.node, there ?? null);
  }

  // The focus goes on to the neighbour.
  drop(id, row) {
    const held = row.node.contains(document.activeElement);
    const neighbour = row.node.nextElementSibling ?? row.node.previousElementSibling;
    row.node.remove();
    this.rows.delete(id);
    if (held) (neighbour?.querySelector(".actions button") ?? byId("containers-title")).focus();
  }

  usage(figures) {
    for (const row of this.rows.values()) {
      const figure = figures[row.container.username];
      if (figure) row.usage.add(figure);
    }
  }

  filter() {
    const wanted = this.find.value.trim().toLowerCase();
    let shown = 0;
    for (const { node, container } of this.rows.values()) {
      node.hidden = !`${container.username} ${container.state}`.toLowerCase().includes(wanted);
      if (!node.hidden) shown += 1;
    }
    const all = count(this.list.length, "container");
    setText(byId("containers-count"), shown === this.list.length ? all : `${shown} of ${all}`);
    this.none.hidden = shown > 0;
    this.noneParts.create.hidden = this.list.length > 0;
    setText(this.noneParts.text, this.list.length ? "None matches." : "There is no container on this node yet.");
    this.body.parentElement.hidden = shown === 0;
  }
}
