// The Debian package: what is in it, and its life on a machine: installed, run as its unit runs it, upgraded, purged.
import assert from "node:assert/strict";
import { appendFile, chmod, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { IMAGE, ROOT } from "../support/dockhost.mjs";
import { attempt, buildPackage, files, Machine, removeTree, repack, run } from "../support/package.mjs";
import { Suite } from "../support/suite.mjs";

const SETTINGS = "/etc/dockhost/dockhost.env";
const SCRIPTS = "/etc/dockhost/scripts";
const MOST_EXPOSED = 2.5;

const suite = new Suite("packaging");
const machine = new Machine(`dockhost-packaging-test-${process.pid}`);
const timeout = 240000;
let scratch, deb, upgrade, unpacked, unit;

before(async () => {
  scratch = suite.closing(await mkdtemp(join(tmpdir(), "dockhost-packaging-")), removeTree);
  // Its unpacked files are read by others than their owner.
  await chmod(scratch, 0o755);
  suite.closing(machine, () => machine.remove());
  [deb] = await Promise.all([buildPackage(), machine.start()]);
  unpacked = join(scratch, "unpacked");
  await run("dpkg-deb", "--extract", deb, unpacked);
  upgrade = await repack(deb, join(scratch, "upgrade"), "99.0", (directory) => Promise.all(
    ["container", "reconnect"].map((name) => appendFile(join(directory, SCRIPTS, `${name}.lua`), "-- shipped anew\n"))));
  const { output } = await attempt("sh", "-c", `ls ${unpacked}/lib/systemd/system/*.service ${unpacked}/usr/lib/systemd/system/*.service`);
  unit = output.split("\n").find((line) => line.endsWith("/dockhost.service"));
}, { timeout });

const contents = async () => (await run("dpkg-deb", "--contents", deb)).trim().split("\n");

suite.test("lintian finds no error and no warning", { timeout }, async () => {
  const { output } = await attempt("lintian", "--allow-root", "--profile", "debian", "--fail-on", "none", deb);
  assert.deepEqual(output.split("\n").filter((line) => /^[EW]:/.test(line)), []);
});

suite.test("every file in /etc is a conffile, and every shipped script is one", async () => {
  const conffiles = (await run("dpkg-deb", "--info", deb, "conffiles")).trim().split("\n").sort();
  assert.deepEqual(conffiles, (await files(join(unpacked, "etc"))).map((path) => `/etc${path}`));
  const shipped = (await files(join(ROOT, "lua"))).filter((path) => path.endsWith(".lua"));
  assert.deepEqual(conffiles.filter((path) => path.startsWith(SCRIPTS)), shipped.map((path) => SCRIPTS + path));
});

suite.test("the program has its libraries, its page, its manual and its completions beside it, and no path of the build", async () => {
  const inside = (await contents()).map((line) => line.split(/\s+/)[5]);
  const libraries = (await files(join(ROOT, "lib"))).map((path) => `./usr/share/dockhost/lib${path}`);
  const expected = ["./usr/bin/dockhost", "./usr/share/dockhost/host/boot.lua", "./usr/share/man/man1/dockhost.1.gz",
    "./usr/share/bash-completion/completions/dockhost", "./usr/share/zsh/vendor-completions/_dockhost", ...libraries];
  assert.deepEqual(expected.filter((path) => !inside.includes(path)), []);
  const program = await readFile(join(unpacked, "usr/bin/dockhost"));
  assert.ok(!program.includes(ROOT), "the program names the directory that it was built in");
});

suite.test("the owner of everything is root, and nobody else may write", async () => {
  const odd = (await contents()).filter((line) => !line.startsWith("l") && !/^.{5}-..-. root\/root /.test(line));
  assert.deepEqual(odd, []);
});

suite.test("systemd understands the unit and finds its sandbox tight", async () => {
  // What is to be run must be there, and its manual; the rest is the unit as it is.
  const here = join(scratch, "dockhost.service");
  const text = (await readFile(unit, "utf8")).replace("/usr/bin/dockhost", join(unpacked, "usr/bin/dockhost")).replace(/^Documentation=.*\n/m, "");
  await writeFile(here, text);
  const { status, output } = await attempt("systemd-analyze", "verify", here);
  assert.deepEqual({ status, said: output.split("\n").filter((line) => line.includes("dockhost.service")) }, { status: 0, said: [] });
  const version = Number(/\d+/.exec(await run("systemd-analyze", "--version"))[0]);
  if (version < 250) return; // has no --offline
  const { output: security } = await attempt("systemd-analyze", "security", "--offline=true", here);
  const [, exposure] = /exposure level for dockhost\.service: ([\d.]+)/.exec(security);
  assert.ok(Number(exposure) < MOST_EXPOSED, security);
});

suite.test("installed without a key, nothing is started and the next steps are told", { timeout }, async () => {
  await machine.copy(deb);
  const said = await machine.sh(`apt-get install -y --no-install-recommends /root/${deb.split("/").at(-1)}`);
  assert.match(said, /is installed and not started: it has no key yet/);
  assert.match(await machine.sh("dockhost --version"), /^dockhost \d+\.\d+\.\d+\n$/);
  assert.match(await machine.sh("id dockhost"), /docker/);
  assert.equal(await machine.sh(`stat -c '%a %U %G' ${SETTINGS}`), "640 root dockhost\n");
  await machine.sh("test -h /etc/systemd/system/multi-user.target.wants/dockhost.service");
  assert.equal((await machine.attempt("pgrep -x dockhost")).status, 1, "nothing is started");
});

async function configure() {
  const settings = { DOCKHOST_IMAGE: IMAGE, DOCKHOST_PULL: "never", DOCKHOST_PORT_START: suite.ports.start,
    DOCKHOST_PORT_END: suite.ports.end, DOCKHOST_CONSOLE: "off" };
  const edits = Object.entries(settings).map(([name, value]) => `-e 's|^#${name}=.*|${name}=${value}|'`);
  await machine.sh(`sed -i ${edits.join(" ")} ${SETTINGS}`);
  await machine.sh(`groupmod -o -g $(stat -c %g ${docker.SOCKET}) docker`);
  await machine.sh("install -m 0600 /dev/null /etc/dockhost/api-key");
}

suite.test("configured, it finds all that it needs, and makes a container", { timeout }, async () => {
  await configure();
  const { status, output } = await machine.attempt(`dockhost check --env-file ${SETTINGS}`);
  assert.equal(status, 0, output);
  const payload = JSON.stringify({ username: suite.user("kept"), sshPublicKey: suite.key.publicKey });
  await writeFile(join(scratch, "payload"), payload);
  await machine.copy(join(scratch, "payload"));
  await machine.sh(`dockhost call create-container "$(cat /root/payload)" --env-file ${SETTINGS}`);
});

/** What the unit says, as setpriv and env say it: user, groups, capabilities, state and credentials. */
async function asTheUnit() {
  const text = await readFile(unit, "utf8");
  const value = (name) => new RegExp(`^${name}=(.*)$`, "m").exec(text)[1];
  const credential = value("Environment").replace("%n", "dockhost.service");
  assert.equal(value("LoadCredential"), "api-key:/etc/dockhost/api-key");
  assert.equal(value("AmbientCapabilities"), value("CapabilityBoundingSet"));
  const capability = value("AmbientCapabilities").replace("CAP_", "").toLowerCase();
  await machine.sh(`install -d -m 0700 -o dockhost -g dockhost /var/lib/${value("StateDirectory")}
    install -d -m 0500 -o dockhost /run/credentials/dockhost.service
    install -m 0400 -o dockhost /etc/dockhost/api-key /run/credentials/dockhost.service/`);
  return `exec env -i STATE_DIRECTORY=/var/lib/dockhost NOTIFY_SOCKET=@dockhost-packaging-${process.pid} ${credential} WATCHDOG_USEC=400000 \
    setpriv --reuid ${value("User")} --regid ${value("User")} --init-groups --no-new-privs --bounding-set=-all,+${capability} \
    --inh-caps=-all,+${capability} --ambient-caps=-all,+${capability} ${value("ExecStart")}`;
}

suite.test("run as its unit runs it, it tells systemd how it does", { timeout }, async () => {
  await machine.copy(join(ROOT, "spec/support/notify-listener.pl"));
  const systemd = machine.launch(`perl /root/notify-listener.pl @dockhost-packaging-${process.pid}`);
  await systemd.line(/^listening$/);
  const node = machine.launch(`cd / && ${await asTheUnit()}`);
  await systemd.line(/^READY=1$/);
  await systemd.line(/^STATUS=local mode$/);
  await systemd.line(/^WATCHDOG=1$/);
  await node.line(/Docker answers/);
  await machine.sh("pkill -HUP -x dockhost");
  await systemd.line(/^RELOADING=1 \| MONOTONIC_USEC=\d+$/);
  await machine.sh("pkill -TERM -x dockhost");
  await systemd.line(/^STOPPING=1$/);
  const code = await new Promise((resolve) => {
    if (node.child.exitCode !== null) resolve(node.child.exitCode);
    node.child.once("exit", resolve);
  });
  assert.equal(code, 0, node.text);
  assert.doesNotMatch(node.text, /warn|error/);
  const order = systemd.lines.filter((line) => /^(READY|RELOADING|STOPPING)/.test(line)).map((line) => line.split("=")[0]);
  assert.deepEqual(order, ["READY", "RELOADING", "READY", "STOPPING"]);
});

suite.test("an upgrade keeps what the operator wrote, edited and removed, and brings the rest", { timeout }, async () => {
  await machine.sh(`echo '-- mine' >> ${SCRIPTS}/container.lua
    echo 'return { run = function() return { mine = true } end }' > ${SCRIPTS}/commands/mine.lua
    rm ${SCRIPTS}/commands/container-logs.lua
    deluser --quiet dockhost docker`);
  await machine.copy(upgrade);
  await machine.sh(`apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold /root/upgrade.deb`);
  const last = (name) => machine.sh(`tail -n 1 ${SCRIPTS}/${name}`);
  assert.equal(await last("container.lua"), "-- mine\n");
  assert.equal(await last("container.lua.dpkg-dist"), "-- shipped anew\n");
  assert.equal(await last("reconnect.lua"), "-- shipped anew\n");
  assert.equal((await machine.attempt(`test -e ${SCRIPTS}/commands/container-logs.lua`)).status, 1);
  assert.equal(await machine.sh(`stat -c '%a %U %G' ${SETTINGS}; grep -c ^DOCKHOST_CONSOLE=off ${SETTINGS}`), "640 root dockhost\n1\n");
  assert.equal(await machine.sh("id -nG dockhost"), "dockhost\n");
  const reply = JSON.parse(await machine.sh(`dockhost call mine --env-file ${SETTINGS} 2>/dev/null`));
  assert.deepEqual(reply.data, { mine: true });
});

suite.test("a purge takes the key and the state, and leaves scripts and containers of others", { timeout }, async () => {
  await machine.sh("apt-get remove -y dockhost");
  await machine.sh(`test -e /etc/dockhost/api-key && test -e ${SCRIPTS}/container.lua`);
  await machine.sh("apt-get purge -y dockhost");
  assert.equal(await machine.sh("find /etc/dockhost /var/lib/dockhost -type f 2>/dev/null || true"), `${SCRIPTS}/commands/mine.lua\n`);
  const kept = (await Promise.all((await docker.list()).map(({ Id }) => docker.inspect(Id))))
    .filter((container) => container && suite.owns(container) && container.Config.Labels["dockhost.managed"]);
  assert.deepEqual(kept.map(({ State }) => State.Status), ["running"]);
});
