// The console as a person uses it: a real browser, a real Docker, a real ssh.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before } from "node:test";
import { promisify } from "node:util";
import { openBrowser } from "../support/browser.mjs";
import { ConsolePage } from "../support/console-page.mjs";
import { DockerProxy } from "../support/docker-proxy.mjs";
import * as docker from "../support/docker.mjs";
import { ssh } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("browser", { users: ["<img src=x onerror=alert(1)>"] });
const port = suite.ports.end;
let server, proxy, home, settings, dockhost, browser, url, view, page;

before(async () => {
  home = await suite.home();
  server = await suite.server();
  proxy = await new DockerProxy(join(home, "docker.sock")).open();
  suite.closing(proxy, () => proxy.close());
  settings = { DOCKER_HOST: proxy.host, DOCKHOST_CONSOLE: `127.0.0.1:${port}`, DOCKHOST_LAN_IP: "127.0.0.1" };
  dockhost = await suite.connect(server, { home, settings });
  await dockhost.line(/the console is at/);
  browser = suite.closing(await openBrowser({ ports: [port] }), () => browser.close());
  const told = await suite.cli(["console"], { home, settings });
  assert.equal(told.code, 0, told.stderr);
  url = told.stdout.trim();
  view = await ConsolePage.open(browser, url, { permissions: ["clipboard-read", "clipboard-write"] });
  ({ page } = view);
});

after(() => view?.close());

async function fill({ user, key, from }) {
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("SSH public key").fill(key);
  if (from) await page.getByLabel("First port to try").fill(from);
}

async function create(user) {
  await page.getByRole("button", { name: "New container" }).click();
  await fill({ user, key: suite.key.publicKey });
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { name: `${user} is running` }).waitFor();
  const line = await view.dialog("create").locator("code").textContent();
  await page.getByRole("button", { name: "Done" }).click();
  return line;
}

async function remove(user) {
  await view.button(user, "Delete").click();
  await view.dialog("remove").getByRole("button", { name: "Delete" }).click();
  await view.row(user).waitFor({ state: "detached" });
}

// The line as it stands, with a key and without questions.
async function run(line, command) {
  const [program, ...words] = line.split(" ");
  assert.equal(program, "ssh");
  await ssh(Number(words[1]), suite.key, "true");
  const options = ["-F", "/dev/null", "-i", suite.key.file, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
    "-o", "UserKnownHostsFile=/dev/null"];
  return (await promisify(execFile)("ssh", [...options, ...words, command], { timeout: 20000 })).stdout;
}

const command = (event) => page.locator("#commands tr", { hasText: event }).first();

suite.test("create, log in with the line shown, stop, start, read its output, delete: by clicking", async () => {
  const user = suite.user();
  const line = await create(user);
  assert.equal(await run(line, "echo precious > /root/kept; echo first-line > /proc/1/fd/1; whoami"), "root\n");
  assert.equal(await view.row(user).locator(".ports code").textContent(), line);
  await view.row(user).getByRole("button", { name: "Copy" }).click();
  await view.row(user).getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
  await view.state(user, "running");
  await command("create-container").getByText("done", { exact: true }).waitFor();

  await view.button(user, "Logs").click();
  const output = view.dialog("output");
  await output.getByText("first-line", { exact: true }).waitFor();
  await docker.exec(user, ["sh", "-c", "echo a-later-line > /proc/1/fd/1"]);
  await output.getByText("a-later-line", { exact: true }).waitFor();
  await output.getByLabel("Filter").fill("LATER");
  await output.getByText("first-line", { exact: true }).waitFor({ state: "hidden" });
  await output.getByRole("button", { name: "Close" }).click();
  await view.row(user).getByText(/^\d+(\.\d)? %$/).waitFor();
  await view.row(user).locator(".memory .figure").getByText(/^\d+(\.\d)? (MiB|KiB|bytes)$/).first().waitFor();

  await view.button(user, "Stop").click();
  await view.state(user, "exited");
  assert.equal((await docker.inspect(user)).State.Running, false);
  await view.button(user, "Start").click();
  await view.state(user, "running");
  assert.equal(await run(line, "cat /root/kept"), "precious\n");

  await view.button(user, "Delete").click();
  await view.dialog("remove").getByRole("button", { name: "Keep it" }).click();
  assert.ok(await docker.inspect(user), "it was kept");
  await remove(user);
  assert.equal(await docker.inspect(user), null);
  await command("delete-container").getByText("done", { exact: true }).waitFor();
  await view.assertClean();
});

suite.test("create by keyboard alone; the focus is never lost", async () => {
  const user = suite.user();
  const press = (key) => page.keyboard.press(key);
  await page.getByText("Skip to the containers").focus();
  for (let tries = 0; tries < 6 && (await view.focused()) !== "create-open"; tries += 1) await press("Tab");
  await press("Enter");
  assert.equal(await view.focused(), "create-user");
  await press("Enter");
  assert.equal(await page.getByLabel("User name").getAttribute("aria-invalid"), "true");
  await page.keyboard.type(user);
  await press("Tab");
  await page.keyboard.insertText(suite.key.publicKey);
  for (let tries = 0; tries < 5 && (await view.focused()) !== "Create"; tries += 1) await press("Tab");
  await press("Enter");
  await page.getByRole("heading", { name: `${user} is running` }).waitFor();
  await until(async () => (await view.focused()) === "Copy", "the focus on the line's button");
  await press("Tab");
  assert.equal(await view.focused(), "Done");
  await press("Enter");
  assert.equal(await view.focused(), "create-open");

  await view.state(user, "running");
  await view.button(user, "Delete").focus();
  await press("Enter");
  assert.equal(await view.focused(), "Keep it", "the first choice does no harm");
  await press("Escape");
  assert.equal(await view.focused(), `Delete ${user}`);
  await press("Enter");
  await press("Tab");
  await press("Enter");
  await view.row(user).waitFor({ state: "detached" });
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the focus went on");
  await view.assertClean();
});

suite.test("the form says what is wrong while it is filled in, and a refusal of the node's", async () => {
  const user = suite.user();
  await server.ask("create-container", { username: user, sshPublicKey: suite.key.publicKey });
  await view.state(user, "running");
  await page.getByRole("button", { name: "New container" }).click();
  const says = (field, text) => page.locator(`#create-${field}-hint`, { hasText: text }).waitFor();
  await fill({ user: "disconnect", key: `command="id" ${suite.key.publicKey}`, from: "70000" });
  await says("user", "reserved by Socket.IO");
  await says("key", "options before the key type are not allowed");
  await says("port", "must be a number from 1 to 65535");
  await fill({ user, key: suite.key.publicKey.slice(0, 40) });
  await says("user", "already has a container");
  await says("key", "damaged");
  await fill({ user: suite.user(), key: suite.key.publicKey, from: String(suite.ports.start) });
  await says("key", "✓ ssh-ed25519, spec@dockhost");
  assert.equal(await page.locator("#create [aria-invalid]").count(), 0);
  await proxy.close();
  await view.card("docker", "does not answer");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.locator("#create-outcome[data-kind=bad]", { hasText: "Docker does not answer" }).waitFor();
  await proxy.open();
  await page.getByRole("button", { name: "Cancel" }).click();
  await view.card("docker", "answers");
  await view.state(user, "running");
  await remove(user);
  await view.assertClean(/status of 503/);
  view.faults = [];
});

suite.test("Docker, the main server and the node itself going and coming back are seen live", async () => {
  const user = suite.user();
  await create(user);
  await proxy.close();
  await view.card("docker", "does not answer");
  await page.getByText("this is what was known last").waitFor();
  assert.match(await page.title(), /^⚠/);
  await view.state(user, "running");
  const notices = page.locator("#notices");
  await notices.getByText("Docker does not answer.").waitFor();
  await proxy.open();
  await view.card("docker", "answers");
  await page.getByText("this is what was known last").waitFor({ state: "hidden" });
  await notices.getByText("Docker answers again.").waitFor();
  assert.equal(await notices.getByText("Docker does not answer.").count(), 0, "what is no longer so is not said any more");
  // What happened to the container otherwise is seen too.
  await docker.stop(user);
  await view.state(user, "exited");

  await server.close();
  await view.card("connection", "not connected");
  await page.locator("#connection").getByText(/^in \d+ s$/).waitFor();
  await server.listen();
  await view.card("connection", "connected");
  await view.assertClean();

  const answer = page.locator("#stream");
  await dockhost.stop();
  await answer.getByText("lost").waitFor();
  await page.getByText("This page has lost its node").waitFor();
  dockhost = await suite.connect(server, { home, settings });
  await answer.getByText("live").waitFor();
  await page.getByText("This page has lost its node").waitFor({ state: "hidden" });
  assert.doesNotMatch(await page.title(), /^⚠/);
  await remove(user);
  await view.assertClean(/Failed to load resource: net::ERR_/);
  view.faults = [];
});

suite.test("what comes from outside is text; the log and the commands are filtered", async () => {
  const user = "<img src=x onerror=alert(1)>";
  await server.ask("create-container", { username: user, sshPublicKey: suite.key.publicKey });
  await view.state(user, "running");
  await page.locator("#commands").getByText(user).first().waitFor();
  await server.ask("delete-container", { username: "it-browser-<script>alert(2)</script>" });
  await command("it-browser-<script>").getByText("failed 404").waitFor();
  await page.getByLabel("Failures only").check();
  await command("create-container").waitFor({ state: "hidden" });
  await page.getByLabel("Failures only").uncheck();

  const log = page.locator("#log");
  await log.getByText("accepted by the main server").first().waitFor();
  const shown = () => log.locator("p:visible").count();
  const all = await shown();
  await page.getByLabel("Filter").and(page.locator("#log-filter")).fill("ACCEPTED by");
  const found = await shown();
  assert.ok(found > 0 && found < all, `${found} of ${all} lines`);
  await page.locator("#log-count", { hasText: `${found} of ` }).waitFor();
  await page.locator("#log-filter").fill("");
  await page.getByLabel("Level").selectOption("error");
  assert.equal(await log.locator("p:visible .level", { hasText: "info" }).count(), 0);
  await page.getByLabel("Level").selectOption("debug");

  await page.getByLabel("Find").fill("ONERROR");
  assert.equal(await page.locator("#containers tr:visible").count(), 1);
  await page.getByLabel("Find").fill("nobody");
  await page.getByText("None matches.").waitFor();
  await page.getByLabel("Find").fill("");
  await view.button(user, "Delete").click();
  await page.getByRole("heading", { name: `Delete ${user}?` }).waitFor();
  await view.dialog("remove").getByRole("button", { name: "Delete" }).click();
  await view.row(user).waitFor({ state: "detached" });
  assert.equal(await page.locator("img, #containers script").count(), 0);
  await view.assertClean();
});

suite.test("the policy lets nothing else in", async () => {
  const other = await ConsolePage.open(browser, url);
  assert.equal(new URL(other.page.url()).search, "", "the token does not stay in the address");
  await other.page.evaluate(() => {
    const script = document.createElement("script");
    script.append(document.createTextNode("window.inline = true"));
    document.body.append(script);
    const frame = document.createElement("iframe");
    frame.src = "http://127.0.0.1:9/";
    document.body.append(frame);
    const image = document.createElement("img");
    image.src = "http://127.0.0.1:9/x.png";
    document.body.append(image);
    document.body.setAttribute("style", "color: red");
  });
  await assert.rejects(other.page.evaluate(() => fetch("http://127.0.0.1:9/")));
  await assert.rejects(other.page.evaluate(() => (document.body.innerHTML = "<p>")), /TrustedHTML/);
  const violated = () => other.page.evaluate(() => window.violations.map((text) => text.split(" ")[0]));
  for (const directive of ["connect-src", "frame-src", "img-src", "style-src-attr", "require-trusted-types-for"]) {
    await until(async () => (await violated()).includes(directive), `a violation of ${directive}`);
  }
  assert.equal(await other.page.evaluate(() => window.inline), undefined);
  await other.close();
});

suite.test("a page that nobody sees rests; one whose token is not taken any more says what to do", async () => {
  const other = await ConsolePage.open(browser, url);
  const status = other.page.locator("#stream");
  await status.getByText("live").waitFor();
  const see = (hidden) => other.page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await other.page.clock.install();
  await see(true);
  await other.page.clock.fastForward(61000);
  await status.getByText("paused").waitFor();
  await see(false);
  await status.getByText("live").waitFor();

  await see(true);
  await other.page.clock.fastForward(61000);
  await status.getByText("paused").waitFor();
  await other.page.context().clearCookies();
  await see(false);
  await status.getByText("signed out").waitFor();
  await other.page.getByText("On the node, run: dockhost console").waitFor();
  await other.assertClean(/status of 401/);
  await other.close();
});
