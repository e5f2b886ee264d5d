// The console of a node in a browser, with what went wrong in it.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "./dockhost.mjs";

const SCREENSHOTS = join(ROOT, "build/browser");
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** What a page is given for a change to be seen. */
export const PATIENCE = 20000;

// Runs in the page, before its own scripts.
function recordViolations() {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
}

// Runs in the page too.
function whatIsTooWide() {
  return [...document.querySelectorAll("html, table, td, th, .card, .lines, dialog")]
    .filter((node) => node.clientWidth > 1 && node.scrollWidth > node.clientWidth)
    .map((node) => node.id || node.className || node.tagName);
}

export class ConsolePage {
  /** `url` has the token in it. */
  static async open(browser, url, { width = 1280, height = 900, scheme = "light", ...more } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...more });
    const self = new ConsolePage(await context.newPage());
    self.page.setDefaultTimeout(PATIENCE);
    await self.page.addInitScript(recordViolations);
    await self.page.goto(url);
    await self.ready();
    return self;
  }

  constructor(page) {
    this.page = page;
    this.faults = [];
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("dialog", (dialog) => {
      this.faults.push(`a dialog of the browser's: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.faults.push(message.text());
    });
  }

  ready() {
    return this.page.waitForSelector("body[data-ready]");
  }

  async close() {
    await this.page.context().close();
  }

  /** No error, no warning, no violation of the policy; those that match `but` were provoked. */
  async assertClean(but) {
    const violations = await this.page.evaluate(() => window.violations);
    const left = [...this.faults, ...violations].filter((fault) => !but?.test(fault));
    assert.deepEqual(left, []);
  }

  /** axe finds nothing in `within` (of those rules, where `rules` names some), and nothing is wider than its place. */
  async assertAccessible(what, { within = "html", rules } = {}) {
    if (!(await this.page.evaluate(() => "axe" in window))) {
      await this.page.evaluate(await (ConsolePage.axe ??= readFile(AXE, "utf8")));
    }
    const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
    const found = await this.page.evaluate(([place, how]) => window.axe.run(place, how), [within, options]);
    const where = ({ target, failureSummary }) => `${target} ${failureSummary}`;
    assert.deepEqual(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(where)}`), [], what);
    assert.deepEqual(await this.page.evaluate(whatIsTooWide), [], `${what}: wider than its place`);
  }

  async screenshot(name, options) {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), ...options });
  }

  /** Waits until a card's badge says so: `card("docker", "answers")`. */
  card(id, text) {
    return this.page.locator(`#${id} .badge`, { hasText: new RegExp(`^${text}$`) }).waitFor();
  }

  /** The row of a user's container. */
  row(user) {
    const header = this.page.getByRole("rowheader", { name: user, exact: true });
    return this.page.locator("#containers tr").filter({ has: header });
  }

  /** Waits until that row's badge says so. */
  state(user, state) {
    return this.row(user).locator(".badge", { hasText: new RegExp(`^${state}$`) }).waitFor();
  }

  button(user, name) {
    return this.row(user).getByRole("button", { name: new RegExp(`^${name} `) });
  }

  dialog(name) {
    return this.page.getByRole(name === "remove" ? "alertdialog" : "dialog").and(this.page.locator(`#${name}`));
  }

  focused() {
    return this.page.evaluate(() => {
      const node = document.activeElement;
      return node.getAttribute("aria-label") ?? (node.id || node.textContent);
    });
  }
}
