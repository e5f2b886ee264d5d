// A Docker that answers wrong, in half, late or never: each command is answered once and truthfully, nothing is orphaned
// in Docker, and the next command works.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before } from "node:test";
import * as docker from "../support/docker.mjs";
import { ScriptedDocker } from "../support/scripted-docker.mjs";
import { assertInDocker, assertNotInDocker, assertPlain } from "../support/shapes.mjs";
import { Suite } from "../support/suite.mjs";
import { until } from "../support/until.mjs";

const suite = new Suite("engine");
const SWEPT = 20000;
const HUGE = Buffer.alloc(17 << 20, "[");
const rules = new Map();
let scripted;
let server;
let dockhost;

// A rule is for the calls that name its user's container: by name, or by id once it is known.
const concerns = (call, user) => call.query.get("name") === user || call.path.includes(`/containers/${user}/`)
  || (rules.get(user).id && call.path.includes(rules.get(user).id));

before(async () => {
  const home = await suite.home();
  scripted = suite.closing(new ScriptedDocker(join(home, "docker.sock")), (it) => it.close());
  await scripted.open();
  scripted.use(async (call) => {
    const learning = call.is("POST", /\/create$/) && rules.get(call.query.get("name"));
    if (learning && !learning.pattern.test(call.path)) {
      const answer = await call.forward();
      learning.id = JSON.parse(answer.body).Id;
      call.relay(answer);
      return true;
    }
    for (const [user, { method, pattern, act }] of rules) {
      if (call.method.match(method) && pattern.test(call.path) && (concerns(call, user) || user === "")) return act(call);
    }
    return false;
  });
  server = await suite.server();
  dockhost = await suite.connect(server, { home, settings: { DOCKER_HOST: scripted.host, DOCKHOST_PULL: "missing" } });
});

/** While `body` runs, `act(call)` takes charge of the user's calls like that; of everybody's where there is no user. */
async function during(user, method, pattern, act, body) {
  const [container] = user ? await docker.ofUser(user) : [];
  rules.set(user, { method, pattern, id: container?.Id, act: async (call) => (await act(call)) ?? true });
  try {
    return await body();
  } finally {
    rules.delete(user);
  }
}

const EVENTS = { create: "start_container", start: "resume_container", stop: "stop_container", delete: "delete_container" };
const CREATE = ["POST", /^\/containers\/create$/];
const UPLOAD = ["PUT", /\/archive$/];
const START = ["POST", /\/start$/];
const STOP = ["POST", /\/stop$/];
const REMOVE = ["DELETE", /^\/containers\//];
const INSPECT = ["GET", /^\/containers\/[^/]+\/json$/];
const LIST = ["GET", /^\/containers\/json$/];

async function run(command, USERNAME) {
  const payload = command === "create"
    ? { USERNAME, SSH_PUB_KEY: suite.key.publicKey, startingPortNo: suite.ports.start } : { USERNAME };
  const reply = await server.ask(EVENTS[command], payload);
  assert.ok(Number.isInteger(reply.status) && reply.status >= 200 && reply.status < 600, JSON.stringify(reply));
  assert.equal(reply.success, reply.status < 300);
  assertPlain(reply.message);
  assert.doesNotMatch(reply.message, /internal error/);
  return reply;
}

async function make(word) {
  const user = suite.user(word);
  assert.equal((await run("create", user)).status, 201);
  return user;
}

/** A user for whom the command has something to do. */
async function ready(command, word) {
  if (command === "create") return suite.user(word);
  const user = await make(word);
  if (command === "start") assert.equal((await run("stop", user)).status, 200);
  return user;
}

const state = async (user) => {
  const [container] = await docker.ofUser(user);
  return container?.State ?? "gone";
};
const gone = (user, timeout = SWEPT) =>
  until(async () => (await state(user)) === "gone", `the container of ${user} to be gone`, { timeout });

const lost = async (call) => {
  await call.forward();
  call.drop();
};

// After whatever failed: the user is not locked out, and goes with all that was made.
async function assertUsable(user) {
  if ((await state(user)) === "gone") assert.equal((await run("create", user)).status, 201);
  assert.equal((await run("delete", user)).status, 200);
  await assertNotInDocker(user);
}

suite.test("an answer is lost after Docker did it: what Docker did is what is answered", async () => {
  const cases = [["start", START, "running"], ["stop", STOP, "exited"], ["delete", REMOVE, "gone"]];
  await Promise.all(cases.map(async ([command, which, end]) => {
    const user = await ready(command, `lost-${command}`);
    const reply = await during(user, ...which, lost, () => run(command, user));
    assert.equal(reply.status, 200, `${command}: ${reply.message}`);
    assert.equal(await state(user), end);
    await assertUsable(user);
  }));
});

suite.test("an answer to a step of create is lost: 503, and nothing is left of it", async () => {
  await Promise.all([CREATE, UPLOAD, START].map(async (which, index) => {
    const user = suite.user(`lost-create-${index}`);
    const reply = await during(user, ...which, lost, () => run("create", user));
    assert.equal(reply.status, 503, `${which}: ${reply.message}`);
    await gone(user);
    await assertUsable(user);
  }));
});

suite.test("a call that never reaches Docker: 503, and all is as before", async () => {
  const cases = [["create", CREATE], ["create", UPLOAD], ["create", START], ["start", START], ["stop", STOP], ["delete", REMOVE]];
  await Promise.all(cases.map(async ([command, which]) => {
    const user = await ready(command, `drop-${command}`);
    const before = await state(user);
    const reply = await during(user, ...which, (call) => call.drop(), () => run(command, user));
    assert.equal(reply.status, 503, `${command} ${which}: ${reply.message}`);
    await until(async () => (await state(user)) === before, `${command} to leave things as they were`);
    await assertUsable(user);
  }));
});

// What an answer may look like, however it came to be; Docker has not heard of the call.
const WRONG = {
  "HTML instead of JSON": (call) => call.answer(500, "<html>\n<h1>Bad gateway</h1></html>", { "Content-Type": "text/html" }),
  "an empty 200": (call) => call.answer(200, ""),
  "no content": (call) => call.response.writeHead(204).end(),
  "not modified": (call) => call.response.writeHead(304).end(),
  "an array": (call) => call.answer(200, [1, "two", null]),
  "a number": (call) => call.answer(200, "17"),
  "null": (call) => call.answer(200, "null"),
  "fields of other types": (call) => call.answer(200, { Id: 7, Name: {}, State: "running", Config: [], HostConfig: 1 }),
  "a deep one": (call) => call.answer(200, "[".repeat(50000)),
  "half of it": (call) => call.half(200, { Id: "0".repeat(64), Warnings: [] }),
  "no HTTP": (call) => call.request.socket.end("\0\x01\x02 hello\r\n\r\n"),
  "garbage for chunks": (call) =>
    call.request.socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnothing\r\n"),
};

const INSTEAD = [["create", CREATE], ["start", INSPECT], ["stop", INSPECT], ["delete", INSPECT]];

suite.test("wrong answers before Docker has done anything: a plain failure, and all is as before", async () => {
  await Promise.all(INSTEAD.map(async ([command, which]) => {
    const user = await ready(command, "wrong");
    const before = await state(user);
    for (const [what, act] of Object.entries(WRONG)) {
      const reply = await during(user, ...which, act, () => run(command, user));
      assert.ok(reply.status >= 500 && reply.status !== 504, `${command}, ${what}: ${JSON.stringify(reply)}`);
      assert.equal(await state(user), before, `${command}, ${what}`);
    }
    await assertUsable(user);
  }));
  const user = suite.user("wrong-list");
  for (const [what, act] of Object.entries(WRONG)) {
    const reply = await during("", ...LIST, act, () => run("create", user));
    assert.ok(reply.status >= 500 && reply.status !== 504, `list, ${what}: ${JSON.stringify(reply)}`);
    await assertNotInDocker(user);
  }
});

suite.test("wrong answers in the middle of a create: a plain failure, and what was made goes", async () => {
  const looks = ["an empty 200", "fields of other types", "half of it", "HTML instead of JSON"];
  await Promise.all(looks.map(async (what) => {
    const user = suite.user("wrong-look");
    let begun = false;
    // The looks by name, before the creation, are answered well.
    const act = (call) => {
      begun ||= call.path.includes(rules.get(user).id ?? " ");
      return begun ? WRONG[what](call) : call.pass();
    };
    const reply = await during(user, ...INSPECT, act, () => run("create", user));
    assert.ok(reply.status >= 500 && reply.status !== 504, `${what}: ${JSON.stringify(reply)}`);
    await gone(user);
    await assertUsable(user);
  }));
});

suite.test("lists and answers beyond all bounds are refused, and the next is taken", async () => {
  const user = await make("huge");
  const asked = { inspect: [user, INSPECT, "container-status"], list: ["", LIST, "list-containers"] };
  for (const [whose, which, event] of Object.values(asked)) {
    for (const body of [HUGE, "[[".repeat(2000), "[{}]", '{"a":1}']) {
      const reply = await during(whose, ...which, (call) => call.answer(200, body), () => server.ask(event, { username: user }));
      assert.equal(reply.success, false, `${event}: ${String(body).slice(0, 20)}`);
      assertPlain(reply.message);
      assert.doesNotMatch(reply.message, /internal error/);
    }
    assert.ok((await server.ask(event, { username: user })).success);
  }
  await assertUsable(user);
});

suite.test("Docker's own words can't forge lines or steer a terminal", async () => {
  const user = await ready("start", "words");
  const from = dockhost.mark();
  const message = "bad\n2026-01-01 INFO all is well\u001b[31m\u202e";
  const reply = await during(user, ...START, (call) => call.answer(500, { message }), () => run("start", user));
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(reply.message, /[\u0000-\u001f\u202e]/);
  assert.equal(dockhost.matching(/^2026-01-01 INFO all is well/, from).length, 0);
  assert.equal(dockhost.stderr.includes("\u001b[31m"), false);
  await assertUsable(user);
});

suite.test("a start that finds no container is a 404; another hand has removed it", async () => {
  const user = await ready("start", "vanished");
  const [container] = await docker.ofUser(user);
  const reply = await during(user, ...START, async (call) => {
    await docker.remove(container.Id);
    call.relay(await call.forward());
  }, () => run("start", user));
  assert.equal(reply.status, 404, reply.message);
  await assertUsable(user);
});

suite.test("a create that Docker carries out after we gave up is not orphaned", async () => {
  const user = suite.user("late");
  const late = [];
  const reply = await during(user, ...CREATE, (call) => {
    late.push(call);
    call.drop();
  }, () => run("create", user));
  assert.equal(reply.status, 503, reply.message);
  await assertNotInDocker(user);
  assert.equal((await late[0].forward()).status, 201);
  await gone(user);
  await assertUsable(user);
});

suite.test("events: garbage, wrong types and a stream that ends again and again harm nothing; a reopened one asks since when", async () => {
  const rubbish = ["not json", "[]", "17", "null", '{"Action":{}}', '{"Action":"die","Actor":7,"timeNano":"x"}',
    '{"Action":"die","Actor":{"Attributes":[]},"timeNano":1.5}', '{"Action":"die","timeNano":-1}', "x".repeat(3 << 20)];
  const times = 3;
  let opened = 0;
  await during("", "GET", /^\/events$/, (call) => {
    opened += 1;
    call.answer(200, rubbish.map((line) => `${line}\n`).join(""));
  }, async () => {
    // The stream that is open is ended by the daemon.
    for (const call of scripted.seen("GET", /^\/events$/)) call.drop();
    return until(() => opened >= times, `${times} streams of events`, { timeout: 20000 });
  });
  const user = await make("events");
  await until(async () => {
    for (const call of scripted.seen("GET", /^\/events$/)) call.drop();
    return scripted.seen("GET", /^\/events$/).some((call) => /^\d+\.\d{9}$/.test(call.query.get("since") ?? ""));
  }, "a stream that is reopened from where the last one ended", { every: 700 });
  await assertUsable(user);
});

suite.test("answers that never come or never end: checks are held 20 s and do not lie, commands are 503 in time", async () => {
  const [stopped, running] = [await make("unseen"), await make("held")];
  // What happens between two streams of events is known all the same.
  await during("", "GET", /^\/events$/, (call) => call.drop(), async () => {
    for (const call of scripted.seen("GET", /^\/events$/)) call.drop();
    const [container] = await docker.ofUser(stopped);
    await docker.stop(container.Id);
  });
  const from = scripted.seen("GET", /^\/containers\/json$/).length;
  await until(() => scripted.seen("GET", /^\/containers\/json$/).length > from, "the list to be read again");
  const drips = [];
  const drip = (call) => {
    call.response.writeHead(200, { "Content-Type": "application/json" });
    drips.push(setInterval(() => call.response.write(" "), 500));
  };
  const began = Date.now();
  const timed = async (promise) => [await promise, (Date.now() - began) / 1000];
  try {
    const ask = (event, USERNAME) => timed(server.ask(event, { USERNAME }));
    const hanging = (user, act) => (body) => during(user, ...INSPECT, act, body);
    const [first, second] = await Promise.all([
      hanging(stopped, (call) => call.hang())(() => ask("check_if_container_running", stopped)),
      hanging(running, drip)(() => ask("check_if_container_running", running)),
      ...[1, 2, 3].map((n) => {
        const user = suite.user(`never-${n}`);
        const act = n === 2 ? drip : (call) => call.hang();
        return hanging(user, act)(async () => {
          const event = n === 3 ? "stop_container" : "check_if_container_exists";
          const [answer, seconds] = await ask(event, user);
          if (n === 3) assert.equal(answer.status, 503, JSON.stringify(answer));
          else assert.equal(answer, true);
          assert.ok(seconds >= 19.5 && seconds < 26, `${event} took ${seconds} s`);
        });
      }),
    ]);
    assert.equal(first[0], false, "it was stopped while no stream was open");
    assert.equal(second[0], true);
  } finally {
    drips.forEach(clearInterval);
  }
  for (const user of [stopped, running]) await assertUsable(user);
});

suite.test("a pull that fails, is cut or ends without the image is a failure with its reason, and no container is made", async () => {
  const line = (value) => `${JSON.stringify(value)}\n`;
  const progress = line({ status: "Downloading", id: "a", progressDetail: { current: "x", total: [] } });
  const pulls = [
    [(call) => call.answer(200, `rubbish\n[]\n17\n${progress}${line({ error: "no space left\non device" })}`), 503, /no space left/],
    [(call) => call.half(200, progress.repeat(1000)), 503, /Docker/],
    [(call) => call.answer(200, progress), 503, /ended without/],
    [(call) => call.answer(404, { message: "pull access denied" }), 503, /pull access denied/],
    [(call) => call.answer(500, "<html>"), 503, /HTTP 500/],
  ];
  for (const [act, status, reason] of pulls) {
    const user = suite.user("pull");
    const either = (call) => (call.method === "POST" ? act(call) : call.answer(404, { message: "No such image" }));
    const reply = await during("", /./, /^\/images\//, either, () => run("create", user));
    assert.equal(reply.status, status, `${reply.status} ${reply.message}`);
    assert.match(reply.message, reason);
    await assertNotInDocker(user);
  }
});

suite.test("after all of this it is the same process, connected all the while, and works", async () => {
  assert.equal(server.connections.length, 1);
  const user = suite.user("end");
  const reply = await run("create", user);
  assert.equal(reply.status, 201);
  await assertInDocker(user, reply.data);
  await assertUsable(user);
  assert.equal(dockhost.matching(/traceback|attempt to/i).length, 0, dockhost.tail());
});
