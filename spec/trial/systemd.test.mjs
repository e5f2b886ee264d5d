// The package under a real systemd, as PID 1 of a container: the sandbox, the watchdog, upgrades. Not part of `make test`:
// it wants a daemon whose containers may mount, and apt's archives. What it needs is in the container; ours is Docker's socket.
import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { IMAGE } from "../support/dockhost.mjs";
import { attempt, buildPackage, Machine, removeTree, repack, run } from "../support/package.mjs";
import { succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const SETTINGS = "/etc/dockhost/dockhost.env";
const OUR_DOCKER = "/docker.sock";
const LOW_PORT = 301;
const timeout = 300000;

const suite = new Suite("packaging");
const machine = new Machine(`dockhost-trial-${process.pid}`);
const image = `dockhost-test/systemd-${process.pid}`;
let server, scratch, deb, upgrade;

/** A machine like the instance image, with systemd as its PID 1. */
async function bootSystemd() {
  await machine.start();
  await machine.sh("apt-get install -y -qq --no-install-recommends systemd systemd-sysv dbus");
  await run("docker", "commit", machine.name, image);
  await machine.remove();
  // Mounts that are made for a service's credentials must come out of where they are made: systemd leaves that to others in
  // a container. SYSTEMD_…: newer ones want to be told that the old hierarchy of control groups will do.
  const init = "mount --make-rshared /; exec /sbin/init SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1";
  await run("docker", "run", "--detach", "--name", machine.name, "--label", "dockhost.test=machine", "--cap-add", "ALL",
    "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
    "--network", "host", "--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs", "/run",
    "--tmpfs", "/tmp", "--volume", `${docker.SOCKET}:${OUR_DOCKER}`, "--env", "container=docker",
    "--env", "DEBIAN_FRONTEND=noninteractive", "--entrypoint", "sh", image, "-c", init);
  const state = async () => (await machine.attempt("systemctl is-system-running")).output;
  await until(async () => /running|degraded/.test(await state()), "systemd to be up", { timeout: 60000, every: 200 });
}

before(async () => {
  scratch = suite.closing(await mkdtemp(join(tmpdir(), "dockhost-trial-")), removeTree);
  suite.closing(image, (name) => attempt("docker", "rmi", "--force", name));
  suite.closing(machine, () => machine.remove());
  server = await suite.server();
  [deb] = await Promise.all([buildPackage(), bootSystemd()]);
  upgrade = await repack(deb, join(scratch, "upgrade"), "99.0", () => {});
  await Promise.all([machine.copy(deb), machine.copy(upgrade)]);
}, { timeout });

const show = async (property) => (await machine.sh(`systemctl show --value --property ${property} dockhost`)).trim();
const install = (file) => machine.sh(`apt-get install -y --no-install-recommends /root/${file.split("/").at(-1)}`);
const shows = (property, wanted) => until(async () => wanted.test(await show(property)), `${property} like ${wanted}`, { timeout: 60000, every: 200 });

/** Does something that ends the connection, and waits for the next one. */
async function redial(act) {
  const before = server.connections.length;
  await act();
  await until(() => server.connections.length > before, "a new connection", { timeout: 60000 });
  await shows("StatusText", /^serving /);
}

suite.test("nothing starts without a key", { timeout }, async () => {
  await install(deb);
  assert.equal(await show("UnitFileState"), "enabled");
  assert.equal(await show("ActiveState"), "inactive");
  await machine.sh("systemctl start dockhost");
  assert.deepEqual([await show("ActiveState"), await show("ConditionResult")], ["inactive", "no"]);
});

async function configure(settings) {
  const edits = Object.entries(settings).map(([name, value]) => `-e 's|^#\\?${name}=.*|${name}=${value}|'`);
  await machine.sh(`sed -i ${edits.join(" ")} ${SETTINGS}`);
}

suite.test("with one, it serves out of its sandbox, low ports too", { timeout }, async () => {
  await configure({ MAIN_SERVER_BACKEND_URL: server.url, DOCKER_HOST: `unix://${OUR_DOCKER}`, DOCKHOST_IMAGE: IMAGE,
    DOCKHOST_PULL: "never", DOCKHOST_CONSOLE: "off", DOCKHOST_PORT_START: suite.ports.start, DOCKHOST_PORT_END: suite.ports.end });
  await machine.sh(`groupmod -o -g $(stat -c %g ${OUR_DOCKER}) docker; printf %s ${server.key()} | install -m 0600 /dev/stdin /etc/dockhost/api-key`);
  await redial(() => machine.sh("systemctl start dockhost"));
  const pid = await show("MainPID");
  const status = await machine.sh(`cat /proc/${pid}/status`);
  assert.match(status, /^CapEff:\s+0*400$/m);
  assert.match(status, /^NoNewPrivs:\s+1\n(.*\n)*?Seccomp:\s+2$/m);
  assert.equal(await machine.sh("stat -c '%a %U' /var/lib/dockhost"), "700 dockhost\n");
  succeeded(await server.ask("create-container", { username: suite.user("kept"), sshPublicKey: suite.key.publicKey }));
  await configure({ DOCKHOST_PORT_START: LOW_PORT });
  await machine.sh("systemctl reload dockhost");
  const low = suite.user("low");
  const { ports } = succeeded(await server.ask("create-container", { username: low, sshPublicKey: suite.key.publicKey }));
  assert.ok(ports.ssh < 1024, `it got port ${ports.ssh}`);
  succeeded(await server.ask("delete-container", { username: low }));
  assert.deepEqual([await show("ActiveState"), await show("MainPID")], ["active", pid]);
});

suite.test("it is restarted when it is killed, and when it hangs", { timeout }, async () => {
  await redial(() => machine.sh("systemctl kill --signal KILL dockhost"));
  await machine.sh(`mkdir -p /run/systemd/system/dockhost.service.d
    printf '[Service]\\nWatchdogSec=3\\n' > /run/systemd/system/dockhost.service.d/soon.conf; systemctl daemon-reload`);
  await redial(() => machine.sh("systemctl restart dockhost"));
  const restarts = Number(await show("NRestarts"));
  const pid = await show("MainPID");
  await redial(() => machine.sh(`kill -STOP ${pid}`));
  assert.equal(Number(await show("NRestarts")), restarts + 1);
  await machine.sh("rm -r /run/systemd/system/dockhost.service.d; systemctl daemon-reload");
});

const kept = async () => (await Promise.all((await docker.list()).map(({ Id }) => docker.inspect(Id))))
  .filter((container) => container && suite.owns(container)).map(({ Name, State }) => `${Name} ${State.StartedAt} ${State.Status}`);

suite.test("an upgrade restarts it where it runs, and not where it does not; containers go on", { timeout }, async () => {
  const containers = await kept();
  assert.match(containers.join(), /^\/it-packaging-kept-1 \S+ running$/);
  await redial(() => install(upgrade));
  await machine.sh("systemctl stop dockhost");
  assert.equal(await show("Result"), "success");
  await machine.sh(`dpkg -i /root/upgrade.deb`);
  assert.equal(await show("ActiveState"), "inactive");
  assert.deepEqual(await kept(), containers);
});

suite.test("settings that can't be used end it, and it is not restarted", { timeout }, async () => {
  await machine.sh(`echo DOCKHOST_PIDS=many >> ${SETTINGS}`);
  assert.notEqual((await machine.attempt("systemctl start dockhost")).status, 0);
  // As long as a restart would take, twice.
  await machine.sh("sleep 5");
  assert.deepEqual([await show("ActiveState"), await show("ExecMainStatus"), await show("NRestarts")], ["failed", "78", "0"]);
  await machine.sh(`sed -i /=many/d ${SETTINGS}; systemctl reset-failed dockhost`);
});

suite.test("removed, it stops, and the containers go on", { timeout }, async () => {
  const containers = await kept();
  await redial(() => machine.sh("systemctl start dockhost"));
  await machine.sh("apt-get purge -y dockhost");
  assert.equal((await machine.attempt("pgrep -x dockhost")).status, 1);
  assert.deepEqual(await kept(), containers);
});
