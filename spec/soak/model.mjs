// What may be true of each user's container, from the answers that came. A state is "none", "running" or "stopped".
// Where an answer was lost or a command failed by a fault, several are possible until Docker is looked at.

const AFTER = { create: "running", stop: "stopped", resume: "running", delete: "none" };

export class UserModel {
  constructor() {
    this.possible = new Set(["none"]);
  }

  may(state) {
    return this.possible.has(state);
  }

  set(...states) {
    this.possible = new Set(states);
  }

  /** The command went out, and no answer will come: it was done or not. */
  lost(operation) {
    if (AFTER[operation]) this.possible.add(AFTER[operation]);
    // A stop may have been interrupted between two of its steps, a create undone.
    if (operation === "create") this.possible.add("none");
  }

  /** Takes an answer in. Returns what is wrong with it, or nothing. */
  answered(operation, { status, exists, running }, disturbed) {
    if (operation === "exists") return this.exists(exists, disturbed);
    if (operation === "running") return this.running(running, disturbed);
    if (!AFTER[operation]) return this.read(status, disturbed);
    if (status < 300) return this.succeeded(operation, disturbed);
    if (status === 404) return this.may("none") ? this.set("none") : "404 though the container exists";
    if (status === 409) return this.conflict(operation, disturbed);
    if (status === 429) return undefined;
    if (status >= 500) return this.failed(operation, disturbed);
    return `the status ${status} makes no sense here`;
  }

  exists(value, disturbed) {
    if (!value) return this.may("none") ? this.set("none") : "the check says that there is no container, and there is one";
    // While Docker fails, `true` is no knowledge: it is what harms least.
    if (disturbed) return undefined;
    if (this.may("running") || this.may("stopped")) return this.possible.delete("none") && undefined;
    return "the check says that there is a container, and there is none";
  }

  running(value, disturbed) {
    const right = value ? this.may("running") : this.may("none") || this.may("stopped");
    return right || disturbed ? undefined : `the check says that running is ${value}, and it is ${[...this.possible]}`;
  }

  read(status, disturbed) {
    if (status === 404 && !this.may("none")) return "404 though the container exists";
    if (!disturbed && status < 300 && this.possible.size === 1 && this.may("none")) return "an answer about a container that does not exist";
    return undefined;
  }

  // A failed create's container, that could not be removed yet, is seen until it is: up to 20 s after the fault.
  succeeded(operation, disturbed) {
    const wrong = operation === "create" ? !this.may("none") : !this.may("running") && !this.may("stopped");
    this.set(AFTER[operation]);
    if (wrong && disturbed && operation !== "create") return this.possible.add("none") && undefined;
    return wrong ? `${operation} succeeded against what is known` : undefined;
  }

  conflict(operation, disturbed) {
    if (operation !== "create") return "409 to what is no create";
    // What a failed create left may not have been removed yet.
    if (disturbed) return undefined;
    if (this.may("running") || this.may("stopped")) return this.possible.delete("none") && undefined;
    return "409 though there is no container";
  }

  failed(operation, disturbed) {
    if (!disturbed) return "a failure of the server's kind, and no fault was near";
    if (operation === "create" && this.possible.size === 1 && this.may("none")) return undefined;
    this.possible.add(AFTER[operation]);
    return undefined;
  }
}
