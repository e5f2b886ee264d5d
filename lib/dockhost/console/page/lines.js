// Lines that come one by one: bounded, filtered, and kept at the newest unless somebody scrolled up to read.

const NEAR = 40;

export class Lines {
  /** `draw(line)` makes a line's element, `text(line)` what a filter looks at; `most` are kept. */
  constructor(box, newest, { draw, text, most }) {
    Object.assign(this, { box, newest, draw, text, most, lines: [], wanted: () => true, sticks: true });
    box.addEventListener("scroll", () => this.look(), { passive: true });
    newest.addEventListener("click", () => {
      this.toNewest();
      box.focus();
    });
  }

  get shown() {
    return this.lines.filter(({ node }) => !node.hidden).length;
  }

  look() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    this.sticks = scrollTop + clientHeight >= scrollHeight - NEAR;
    this.newest.hidden = this.sticks;
  }

  toNewest() {
    this.box.scrollTop = this.box.scrollHeight;
    this.look();
  }

  settle() {
    if (this.sticks) this.toNewest();
  }

  clear() {
    this.lines = [];
    this.box.replaceChildren();
    this.sticks = true;
    this.newest.hidden = true;
  }

  add(values) {
    const added = values.map((value) => {
      const line = { value, node: this.draw(value), text: this.text(value).toLowerCase() };
      line.node.hidden = !this.wanted(line);
      return line;
    });
    this.lines.push(...added);
    this.box.append(...added.map(({ node }) => node));
    for (const { node } of this.lines.splice(0, Math.max(0, this.lines.length - this.most))) node.remove();
    this.settle();
  }

  /** `wanted({ value, text })`, with the text in lower case. */
  filter(wanted) {
    this.wanted = wanted;
    for (const line of this.lines) line.node.hidden = !wanted(line);
    this.settle();
  }
}
