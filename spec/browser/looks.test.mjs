// How the console looks and reads: light and dark, on a phone and on a desk, empty and full. The screenshots are in
// build/browser.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before } from "node:test";
import { openBrowser } from "../support/browser.mjs";
import { ConsolePage } from "../support/console-page.mjs";
import { IMAGE, ROOT } from "../support/dockhost.mjs";
import { Fleet } from "../support/fleet.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { makeKeyPair } from "../support/ssh.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("looks");
const port = suite.ports.end;
const WIDTHS = { desk: 1280, phone: 360 };
const SCHEMES = ["light", "dark"];
const KEY_TYPES = [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa", "-b", "256"], ["ecdsa", "-b", "384"],
  ["ecdsa", "-b", "521"]];
const fleet = new Fleet({ size: 0, image: IMAGE, ports: suite.ports });
let browser, docker, server, url;

before(async () => {
  const home = await suite.home();
  docker = await new ScriptedDocker(join(home, "docker.sock")).open();
  suite.closing(docker, () => docker.close());
  docker.use((call) => fleet.rule(call));
  server = await suite.server();
  const settings = { DOCKER_HOST: docker.host, DOCKHOST_CONSOLE: `127.0.0.1:${port}`, DOCKHOST_LAN_IP: "192.0.2.14",
    DOCKHOST_MAX_CONTAINERS: 64, DOCKHOST_PULL: "missing" };
  const dockhost = await suite.connect(server, { home, settings });
  await dockhost.line(/the console is at/);
  browser = suite.closing(await openBrowser({ ports: [port] }), () => browser.close());
  url = (await suite.cli(["console"], { home, settings })).stdout.trim();
});

const rows = (page, count) => until(async () => (await page.locator("#containers tr").count()) === count,
  `${count} rows`);

// The scheme changes colours and nothing else, so that one full look at each width is enough.
async function inEachLook(name, prepare, { within, ...options } = {}) {
  const view = await ConsolePage.open(browser, url);
  await prepare(view);
  for (const [device, width] of Object.entries(WIDTHS)) {
    await view.page.setViewportSize({ width, height: 800 });
    for (const scheme of SCHEMES) {
      await view.page.emulateMedia({ colorScheme: scheme });
      await view.screenshot(`${name}-${scheme}-${device}`, options);
      const rules = scheme === "dark" ? ["color-contrast"] : undefined;
      await view.assertAccessible(`${name}, ${scheme}, ${device}`, { within, rules });
    }
  }
  await view.assertClean();
  await view.close();
}

for (const size of [0, 3, 60]) {
  suite.test(`${size} containers`, async () => {
    fleet.size = size;
    await inEachLook(`${size}-containers`, async ({ page }) => {
      await rows(page, size);
      if (size) await page.locator(".memory .figure", { hasText: "of 512 MiB" }).first().waitFor();
    }, { fullPage: size < 60 });
  });
}

const inDialog = { within: "dialog[open]" };

suite.test("the dialogs", async () => {
  fleet.size = 3;
  await inEachLook("dialog-create-wrong", async ({ page }) => {
    await page.getByRole("button", { name: "New container" }).click();
    await page.getByLabel("User name").fill("disconnect");
    await page.getByLabel("SSH public key").fill("ssh-ed25519 AAAA");
  }, inDialog);
  await inEachLook("dialog-create-right", async ({ page }) => {
    await page.getByRole("button", { name: "New container" }).click();
    await page.getByLabel("User name").fill("zoe");
    await page.getByLabel("SSH public key").fill(suite.key.publicKey);
  }, inDialog);
  await inEachLook("dialog-delete", async ({ page }) => {
    await rows(page, 3);
    await page.getByRole("button", { name: /^Delete / }).first().click();
  }, inDialog);
  await inEachLook("dialog-logs", async ({ page }) => {
    await rows(page, 3);
    await page.getByRole("button", { name: /^Logs / }).first().click();
    await page.locator("#output .lines").getByText("port 40059").waitFor();
  }, inDialog);
});

suite.test("a pull shows how far it is", async () => {
  fleet.size = 0;
  let finish;
  docker.use((call) => {
    if (call.is("GET", /^\/images\//)) return fleet.answer(call, { message: "no such image" }, 404);
    if (!call.is("POST", /^\/images\/create$/)) return fleet.rule(call);
    const part = { status: "Downloading", id: "layer", progressDetail: { current: 34 * 2 ** 20, total: 92 * 2 ** 20 } };
    call.response.writeHead(200, { "Content-Type": "application/json" }).write(`${JSON.stringify(part)}\n`);
    finish = () => call.response.end(`${JSON.stringify({ error: "the registry is on fire" })}\n`);
    return true;
  });
  const view = await ConsolePage.open(browser, url);
  const { page } = view;
  await page.getByRole("button", { name: "Create one" }).click();
  await page.getByLabel("User name").fill("zoe");
  await page.getByLabel("SSH public key").fill(suite.key.publicKey);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.locator("#create-outcome", { hasText: "Pulling the image: 34 MiB of 92 MiB" }).waitFor();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await view.card("docker", "pulling");
  const bar = page.getByRole("progressbar", { name: "Image pull" });
  assert.equal(await bar.getAttribute("aria-valuenow"), String(34 * 2 ** 20));
  await view.screenshot("pulling-light-desk");
  await view.assertAccessible("pulling");
  finish();
  await page.locator("#docker").getByText("the registry is on fire").waitFor();
  await bar.waitFor({ state: "hidden" });
  await page.locator("#commands").getByText("failed 503").waitFor();
  await view.assertClean(/status of 503/);
  await view.close();
  docker.use((call) => fleet.rule(call));
});

suite.test("Docker down and the main server away", async () => {
  fleet.size = 3;
  await inEachLook("down", async (view) => {
    await rows(view.page, 3);
    await docker.close();
    await server.close();
    await view.card("docker", "does not answer");
    await view.card("connection", "not connected");
    await view.page.locator("#notices").getByText("Docker does not answer").waitFor();
    const late = await ConsolePage.open(browser, url);
    await late.page.getByText("this is what was known last").waitFor();
    assert.equal(await late.page.locator("#containers tr").count(), 3, "a page that is opened now shows them too");
    await late.close();
  }, { fullPage: true });
  await docker.open();
  await server.listen();
});

const LUA = `
  local check = require("dockhost." .. arg[1]).check
  for line in io.lines() do
    local text = line:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
    local ok, why = check(text)
    print(ok and "accepted " .. (type(why) == "table" and #why or "") or "refused " .. why)
  end`;

// What the node says of each text: `module` is sshkey or username.
function judgedByNode(module, texts) {
  const input = texts.map((text) => `${Buffer.from(text).toString("hex")}\n`).join("");
  const { stdout, stderr } = spawnSync("lua5.4", ["-e", `arg = { "${module}" } ${LUA}`], { cwd: ROOT, input, encoding: "utf8",
    env: { ...process.env, LUA_PATH: "./lib/?.lua;;" } });
  assert.equal(stderr, "");
  return stdout.split("\n").slice(0, texts.length);
}

async function keyTexts() {
  const made = await Promise.all(KEY_TYPES.map((options) => makeKeyPair("a comment", ["-t", ...options])));
  await Promise.all(made.map((pair) => pair.remove()));
  const keys = made.map(({ publicKey }) => publicKey);
  const [first] = keys;
  const [type, blob] = first.split(" ");
  const damaged = keys.flatMap((key) => [10, 30, 45, 61, 70].flatMap((at) => [
    key.slice(0, at), key.slice(0, at) + key.slice(at + 1), `${key.slice(0, at)}!${key.slice(at)}`,
    key.slice(0, at) + (key[at] === "A" ? "B" : "A") + key.slice(at + 1)]));
  const odd = ["", " ", "\n\n", "# nothing", first.replaceAll(" ", "\t"), `${first}\n`, `  ${first}  `, `\uFEFF${first}\r\n`,
    `${first}\r`, `${first}\rx`, keys.join("\n"), `# a\n\n${keys.join("\n\n")}`, `no-pty ${first}`, `command="x" ${first}`,
    `${type}`, `${type} `, `${type} ${blob}=`, `${type} ${blob}\u2028x`, `${type} ${blob} \x07`, `${type} ${blob} \x85`,
    `ssh-rsa ${blob}`, `ssh-dss ${blob}`, `ssh-ed25519-cert-v01@openssh.com ${blob}`, "hello", "ssh-ed25519 ====",
    "-----BEGIN OPENSSH PRIVATE KEY-----", "PuTTY-User-Key-File-2: x", "---- BEGIN SSH2 PUBLIC KEY ----", `${first}\nx`,
    `${first} ${"é".repeat(9000)}`, `${first} ${"é".repeat(8000)}`, `${first}\x00`, `x\n${first}`];
  return [...keys, ...damaged, ...odd];
}

suite.test("the page judges keys and names as the node does", async () => {
  const view = await ConsolePage.open(browser, url);
  const texts = await keyTexts();
  const node = judgedByNode("sshkey", texts);
  const browsers = await view.page.evaluate(async (all) => {
    const { checkKeys } = await import("/key.js");
    return all.map((text) => {
      const { problem, keys } = checkKeys(text);
      return problem ? `refused ${problem}` : `accepted ${keys.length}`;
    });
  }, texts);
  // The page does not count the lines of one.
  const plain = (said, text) => (text.trim().includes("\n") ? said : said.replace(/^refused line 1: /, "refused "));
  for (const [index, text] of texts.entries()) {
    assert.equal(plain(browsers[index], text), plain(node[index], text), JSON.stringify(text));
  }
  assert.ok(node.filter((said) => said.startsWith("accepted")).length >= KEY_TYPES.length + 8);

  const names = ["", "a", "a b", "日本", "x".repeat(128), "x".repeat(129), "é".repeat(64), "é".repeat(65), "a\x7F", "a\x85",
    "a\xA0", "tab\t", "connect", "Connect", "newListener", "disconnecting", "<b>"];
  const judged = await view.page.evaluate(async (all) => {
    const { checkUser } = await import("/key.js");
    return all.map((name) => (checkUser(name) === null ? "accepted " : `refused ${checkUser(name)}`));
  }, names);
  assert.deepEqual(judged, judgedByNode("username", names));
  await view.close();
});
