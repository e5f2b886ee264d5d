// The form for a new container, checked while it is filled in.
import { command } from "./api.js";
import { copyButton } from "./copy.js";
import { byId, openDialog, partsOf, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { checkKeys, checkPort, checkUser } from "./key.js";
import { sshLine } from "./row.js";

const IDLE = {
  user: "Any name of up to 128 bytes; it becomes the container's.",
  key: "One or more lines of a .pub file, such as ~/.ssh/id_ed25519.pub.",
  port: "The node looks for three free ports from here on.",
};

/** A field with the hint below it. `check(text)` gives `{ problem }` or `{ hint }`. */
class Field {
  constructor(id, idle, check) {
    Object.assign(this, { input: byId(id), hint: byId(`${id}-hint`), idle, check });
    this.input.addEventListener("input", () => this.look());
    this.reset();
  }

  get value() {
    return this.input.value.trim();
  }

  reset() {
    this.input.value = "";
    this.show({ hint: this.idle });
  }

  show({ problem, hint, good }) {
    setAttribute(this.input, "aria-invalid", problem ? "true" : null);
    setAttribute(this.hint, "data-kind", problem ? "bad" : good ? "ok" : null);
    setText(this.hint, problem ?? hint ?? this.idle);
  }

  /** Whether it is right; an empty one is wrong only when it is handed in. */
  look(handedIn = false) {
    const found = this.value === "" && !handedIn ? { hint: this.idle } : this.check(this.value);
    this.show(found);
    return !found.problem;
  }
}

function describeKeys(text) {
  const { problem, keys } = checkKeys(text);
  if (problem) return { problem };
  const said = keys.map(({ type, comment }) => (comment ? `${type}, ${comment}` : type));
  return { good: true, hint: `✓ ${keys.length === 1 ? "" : `${count(keys.length, "key")}: `}${said.join("; ")}` };
}

export class Create {
  /** `has(username)` tells whether there is such a container; `host()` is where ssh goes. */
  constructor({ has, host }) {
    this.host = host;
    this.dialog = byId("create");
    this.form = byId("create-form");
    this.parts = partsOf(this.dialog);
    this.outcome = byId("create-outcome");
    const user = (name) => ({ problem: checkUser(name) ?? (has(name) ? `${name} already has a container` : null) });
    const port = (text) => ({ problem: checkPort(text) });
    this.user = new Field("create-user", IDLE.user, user);
    this.key = new Field("create-key", IDLE.key, describeKeys);
    this.port = new Field("create-port", IDLE.port, port);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.parts.cancel.addEventListener("click", () => this.dialog.close());
    this.parts.done.addEventListener("click", () => this.dialog.close());
    copyButton(this.parts.copy, this.parts.line);
  }

  /** A form that still works on a container is shown as it is. */
  open() {
    if (!this.working) this.reset();
    openDialog(this.dialog);
    if (!this.working) this.user.input.focus();
  }

  reset() {
    for (const field of [this.user, this.key, this.port]) field.reset();
    this.say("");
    this.form.hidden = false;
    byId("create-done").hidden = true;
    this.dialog.setAttribute("aria-labelledby", "create-title");
  }

  say(text, kind) {
    setAttribute(this.outcome, "data-kind", kind);
    setText(this.outcome, text);
  }

  setWorking(working) {
    this.working = working;
    setAttribute(this.parts.submit, "aria-disabled", working ? "true" : null);
    setText(this.parts.cancel, working ? "Close" : "Cancel");
  }

  async submit() {
    if (this.working) return;
    const wrong = [this.user, this.key, this.port].filter((field) => !field.look(true));
    if (wrong.length) return wrong[0].input.focus();
    const username = this.user.value;
    const payload = { username, sshPublicKey: this.key.value };
    if (this.port.value) payload.startingPort = Number(this.port.value);
    this.setWorking(true);
    this.say(`Creating ${username} …`, "busy");
    const reply = await command("create-container", payload);
    this.setWorking(false);
    if (reply.success) this.done(username, reply.data.ports);
    else this.say(reply.message, "bad");
  }

  /** While the image is pulled, that is what a create waits for. */
  image(text) {
    if (this.working && text) this.say(text, "busy");
  }

  done(username, ports) {
    const title = byId("created-title");
    title.textContent = `${username} is running`;
    this.form.hidden = true;
    byId("create-done").hidden = false;
    this.dialog.setAttribute("aria-labelledby", title.id);
    this.parts.line.textContent = sshLine(this.host(), ports);
    if (this.dialog.open) this.parts.copy.focus();
  }
}
