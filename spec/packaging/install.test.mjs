// make install and make uninstall, into a directory of our own.
import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { BINARY, ROOT } from "../support/dockhost.mjs";
import { attempt, files, removeTree, run } from "../support/package.mjs";

const timeout = 120000;
let scratch, prefix;

const make = (...words) => run("make", "--silent", "-o", "build", `BUILD=${dirname(BINARY)}`, `PREFIX=${prefix}`, ...words);

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "dockhost-install-"));
  prefix = join(scratch, "here");
  await make("install");
}, { timeout });
after(() => removeTree(scratch));

test("the unit and the settings name the prefix", async () => {
  const unit = await readFile(join(prefix, "lib/systemd/system/dockhost.service"), "utf8");
  assert.match(unit, new RegExp(`^ExecStart=${prefix}/bin/dockhost run --env-file ${prefix}/etc/dockhost/dockhost\\.env$`, "m"));
  assert.match(unit, new RegExp(`^LoadCredential=api-key:${prefix}/etc/dockhost/api-key$`, "m"));
  assert.doesNotMatch(unit, /\/usr\/(bin|share)|[ :=]\/etc\/dockhost/);
  assert.match(await readFile(join(prefix, "etc/dockhost/dockhost.env"), "utf8"), new RegExp(`^DOCKHOST_API_KEY_FILE=${prefix}/etc`, "m"));
});

test("under DESTDIR, everything is below it, and the unit is that of the system", { timeout }, async () => {
  const root = join(scratch, "root");
  await run("make", "--silent", "-o", "build", `BUILD=${dirname(BINARY)}`, "PREFIX=/usr", `DESTDIR=${root}`, "install");
  const unit = "systemd/dockhost.service";
  assert.equal(await readFile(join(root, "usr/lib/systemd/system/dockhost.service"), "utf8"), await readFile(join(ROOT, "packaging", unit), "utf8"));
  assert.equal(await readFile(join(root, "etc/dockhost/dockhost.env"), "utf8"), await readFile(join(ROOT, "packaging/dockhost.env"), "utf8"));
});

test("it runs where it is installed, and where it is moved to", async () => {
  const environment = ["env", "-i", "PATH=/usr/bin:/bin", `HOME=${scratch}`];
  const listed = async (place) => attempt(...environment, join(place, "bin/dockhost"), "scripts");
  const { status, output } = await listed(prefix);
  assert.equal(status, 0, output);
  assert.ok(output.includes(`${prefix}/share/dockhost/lua`), output);
  const moved = join(scratch, "there");
  await rename(prefix, moved);
  assert.ok((await listed(moved)).output.includes(`${moved}/share/dockhost/lua`));
  await rename(moved, prefix);
});

test("settings stay as they are, installed again or removed", { timeout }, async () => {
  const settings = join(prefix, "etc/dockhost/dockhost.env");
  await appendFile(settings, "DOCKHOST_PIDS=100\n");
  await make("install");
  assert.match(await readFile(settings, "utf8"), /DOCKHOST_PIDS=100\n$/);
  await make("uninstall");
  assert.deepEqual(await files(prefix), ["/etc/dockhost/dockhost.env"]);
});
