// What an operator looks with: ps, logs, stats, events, and the log of a node, against a real Docker.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import * as docker from "../support/docker.mjs";
import { BINARY, environment, IMAGE, ROOT } from "../support/dockhost.mjs";
import { succeeded } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until, within } from "../support/until.mjs";

const suite = new Suite("verbs");
const run = promisify(execFile);
const NO_DOCKER = "unix:///nonexistent/docker.sock";
const LOUD_LINES = 20000;
const user = suite.user("ada");

const call = async (event, payload) => {
  const { stdout, stderr } = await suite.cli(["call", event, JSON.stringify(payload)]);
  assert.ok(stdout, stderr);
  return succeeded(JSON.parse(stdout));
};

const create = async (username) => call("create-container", { username, sshPublicKey: suite.key.publicKey });

const jsonLines = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

/** A shell command line in which $DOCKHOST is the program. */
async function shell(command) {
  const home = await suite.home();
  return run("bash", ["-c", command], { env: { ...environment(home, suite.settings()), DOCKHOST: BINARY }, timeout: 60000 });
}

suite.test("ps as a table and as JSON say the same", async () => {
  await create(user);
  const table = await suite.cli(["ps"]);
  const row = table.stdout.split("\n").find((line) => line.startsWith(`${user} `));
  const { code, stdout } = await suite.cli(["ps", "--json"]);
  assert.equal(code, 0);
  const entry = JSON.parse(stdout).containers.find(({ username }) => username === user);
  assert.deepEqual(Object.keys(entry).sort(), ["containerId", "createdAt", "image", "ports", "state", "username"]);
  for (const text of [entry.state, entry.image, `${entry.ports.ssh} ${entry.ports.http} ${entry.ports.https}`]) {
    assert.ok(row.includes(text), `${text} in ${row}`);
  }
});

suite.test("logs: all, the last of them, as JSON", async () => {
  const listening = async () => (await suite.cli(["logs", user])).stdout.match(/^Server listening/gm)?.length === 2;
  await until(listening, "both lines of sshd");
  const one = await suite.cli(["logs", user, "--tail", "1"]);
  assert.deepEqual([one.code, one.stderr, one.stdout.split("\n").length], [0, "", 2]);
  const { stdout } = await suite.cli(["logs", user, "--json"]);
  const lines = jsonLines(stdout);
  assert.ok(lines.some(({ line }) => line.startsWith("Server listening")));
  for (const line of lines) assert.match(line.stream, /^std(out|err)$/);
});

suite.test("logs --follow: what comes, and the end of the container is its end", async () => {
  const username = suite.user("bob");
  await create(username);
  const process = await suite.launch(["logs", username, "--follow"]);
  await until(() => process.stdout.includes("Server listening"), "the first lines");
  assert.ok(process.running);
  await call("stop-container", { username });
  assert.equal(await process.ended(), 0);
  assert.match(process.stdout, /signal 15/);
  assert.equal(process.stderr, "");
  await call("delete-container", { username });
});

suite.test("ctrl-C ends what goes on, with 0 and without a word", async () => {
  for (const args of [["logs", user, "-f"], ["stats", "-f"], ["stats", user, "--follow", "--json"]]) {
    const process = await suite.launch(args);
    await until(() => process.stdout, `output of ${args}`);
    process.signal("SIGINT");
    assert.equal(await process.ended(), 0, args.join(" "));
    assert.equal(process.stderr, "");
  }
});

suite.test("a reader that has seen enough ends it, without a word", async () => {
  const { stdout, stderr } = await shell('"$DOCKHOST" stats --json --follow | head -n 1');
  assert.equal(jsonLines(stdout).length, 1);
  assert.equal(stderr, "");
});

suite.test("a container that writes much: all of it comes, and a reader that stalls does not hold up ctrl-C", async () => {
  const name = suite.user("loud");
  const id = await docker.create(name, {
    Image: IMAGE,
    Entrypoint: ["sh", "-c", `yes ${"x".repeat(99)} | head -n ${LOUD_LINES}`],
    Labels: { "dockhost.managed": "true" },
  });
  await docker.start(id);
  await until(async () => (await docker.inspect(id)).State.Status === "exited", "its end", { timeout: 60000 });
  const { stdout } = await shell(`"$DOCKHOST" logs ${name} --tail ${LOUD_LINES} | wc -l`);
  assert.equal(Number(stdout), LOUD_LINES);
  const home = await suite.home();
  const stalled = spawn(BINARY, ["logs", name, "--tail", String(LOUD_LINES)], {
    env: environment(home, suite.settings()), stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise((done) => stalled.once("exit", (code, signal) => done(code ?? signal)));
  await within(new Promise((done) => stalled.stdout.once("readable", done)), "the first of it");
  stalled.kill("SIGINT");
  assert.equal(await within(exit, "its end while nobody reads"), 0);
  await docker.remove(id);
});

suite.test("stats: a table, and numbers with --json", async () => {
  const table = await suite.cli(["stats", user]);
  assert.equal(table.code, 0, table.stderr);
  const [header, row, ...rest] = table.stdout.split("\n");
  assert.match(header, /^USER +CPU +MEMORY +LIMIT +PROCESSES +RECEIVED +SENT$/);
  assert.match(row, new RegExp(`^${user} +[\\d.]+ % .* 537 MB `));
  assert.deepEqual(rest, [""]);
  const { stdout } = await suite.cli(["stats", "--json"]);
  const entry = JSON.parse(stdout).containers.find(({ username }) => username === user);
  assert.equal(entry.memoryLimit, 512 * 1024 * 1024);
  assert.ok(entry.memoryBytes > 100000 && entry.pids >= 1, JSON.stringify(entry));
});

suite.test("events: the life of a container, in words and as JSON", async () => {
  const words = await suite.launch(["events"]);
  const objects = await suite.launch(["events", "--json"]);
  // A stream that is open is seen by what it brings.
  const open = async () => {
    await docker.pause(user);
    await docker.unpause(user);
    return words.stdout.includes("paused") && objects.stdout.includes('"pause"');
  };
  await until(open, "both streams", { every: 300 });
  const username = suite.user("eve");
  const { containerId } = await create(username);
  await call("stop-container", { username });
  await call("delete-container", { username });
  const mine = () => words.stdout.split("\n").filter((line) => line.includes(`  ${username}  `));
  await until(() => mine().some((line) => line.endsWith("deleted")), "the last event");
  assert.deepEqual(mine().map((line) => line.split("  ")[2].replace(/ from .*| \(exit code \d+\)/, "")),
    ["created", "started", "stopped", "deleted"]);
  assert.match(mine()[0], new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\S+Z  ${username}  created from ${IMAGE}`));
  const told = () => jsonLines(objects.stdout.replace(/[^\n]*$/, "")).filter((event) => event.username === username);
  await until(() => told().some(({ action }) => action === "destroy"), "the last event as JSON");
  assert.ok(told().every((event) => event.containerId === containerId));
  assert.equal(typeof told().find(({ action }) => action === "die").exitCode, "number");
  for (const process of [words, objects]) {
    process.signal("SIGINT");
    assert.equal(await process.ended(), 0);
    assert.equal(process.stderr, "");
  }
});

suite.test("each says what to do: no such user, no Docker, a stopped container", async () => {
  const complaint = async (args, settings) => {
    const { code, stdout, stderr } = await suite.cli(args, { settings });
    assert.deepEqual([code, stdout], [1, ""], args.join(" "));
    return stderr;
  };
  assert.match(await complaint(["logs", `${user}x`]), new RegExp(`did you mean ${user}\\?`));
  assert.match(await complaint(["stats", `${user}x`]), new RegExp(`did you mean ${user}\\?`));
  for (const args of [["ps"], ["ps", "--json"], ["logs", user], ["stats"], ["events"]]) {
    assert.match(await complaint(args, { DOCKER_HOST: NO_DOCKER }), /docker info/);
  }
  const username = suite.user("carol");
  await create(username);
  await call("stop-container", { username });
  assert.match(await complaint(["stats", username]), /is exited/);
  await call("delete-container", { username });
});

suite.test("check --migrate: a container as the Node backend makes it, and one of another image", async () => {
  const [old, other] = [suite.user("old"), suite.user("other")];
  const image = `dockhost-spec-migrate:run-${process.pid}`;
  await docker.tag(IMAGE, ...image.split(":"));
  suite.closing(image, docker.untag);
  const port = suite.ports.start + 40;
  const bindings = Object.fromEntries([22, 80, 443].map((inner, i) => [`${inner}/tcp`, [{ HostPort: String(port + i) }]]));
  await docker.create(old, { Image: image, HostConfig: { PortBindings: bindings } });
  await docker.create(other, { Image: IMAGE });
  const settings = { DOCKHOST_IMAGE: image };
  const text = await suite.cli(["check", "--migrate"], { settings });
  assert.equal(text.code, 0, text.stdout + text.stderr);
  assert.match(text.stdout, new RegExp(`^${old} +created +${port} ${port + 1} ${port + 2} +${image}$`, "m"));
  assert.match(text.stdout, new RegExp(`- ${other}: it runs the image ${IMAGE}`));
  const { adopted, others, ok } = JSON.parse((await suite.cli(["check", "--migrate", "--json"], { settings })).stdout);
  assert.ok(ok);
  assert.deepEqual(adopted.map(({ username, ports }) => [username, ports]),
    [[old, { ssh: port, http: port + 1, https: port + 2 }]]);
  assert.ok(others.some(({ name }) => name === other));
  await Promise.all([old, other].map(docker.remove));
});

suite.test("every line of a command has its id: its coming, the calls to Docker, its end", async () => {
  const server = await suite.server();
  const node = await suite.connect(server, { settings: { DEBUG: "dockhost:*" } });
  const username = suite.user("dan");
  succeeded(await server.ask("create-container", { username, sshPublicKey: suite.key.publicKey }));
  const report = await node.line(/info {2}command: create-container /);
  const [, id] = / id=(\d+) /.exec(report);
  assert.match(report, new RegExp(` ms=\\d+ status=200 user=${username}$`));
  const its = node.matching(new RegExp(` id=${id}\\b`));
  for (const pattern of [/command: create-container came/, /docker: POST \/\S+\/containers\/create/, /docker: POST .*\/start/, /PUT .*archive/]) {
    assert.ok(its.some((line) => pattern.test(line)), `${pattern} in\n${its.join("\n")}`);
  }
  succeeded(await server.ask("delete-container", { username }));
  await node.line(/command: delete-container .*status=200/);
  await node.stop();
});

suite.test("the completions and the manual page are sound", async () => {
  const completions = `${ROOT}/packaging/completions`;
  await run("zsh", ["-n", `${completions}/_dockhost`]);
  const { stdout } = await run("mandoc", ["-T", "lint", "-W", "warning", `${ROOT}/packaging/man/dockhost.1`]);
  assert.equal(stdout, "");
  const offered = await shell(`source ${completions}/dockhost.bash
    COMP_WORDS=("$DOCKHOST" logs ${suite.prefix}) COMP_CWORD=2
    _dockhost "$DOCKHOST" ${suite.prefix} logs && echo "\${COMPREPLY[@]}"
    COMP_WORDS=("$DOCKHOST" call start-) COMP_CWORD=2
    _dockhost "$DOCKHOST" start- call && echo "\${COMPREPLY[@]}"`);
  const [users, events] = offered.stdout.split("\n");
  assert.ok(users.split(" ").includes(user), offered.stdout);
  assert.equal(events, "start-container");
});
