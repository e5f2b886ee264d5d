// The exact shapes of replies, as the contract has them.
import assert from "node:assert/strict";
import * as docker from "./docker.mjs";

const ENTRY = ["containerId", "createdAt", "image", "ports", "state", "username"];
const USAGE = ["cpuPercent", "memoryBytes", "memoryLimit", "pids", "rxBytes", "txBytes", "uptimeSeconds"];

export function assertKeys(value, keys, what) {
  assert.equal(typeof value, "object", `${what} is ${JSON.stringify(value)}`);
  assert.deepEqual(Object.keys(value ?? {}).sort(), [...keys].sort(), what);
}

export function assertReply(reply, what = "the reply") {
  assertKeys(reply, ["success", "message", "data"], what);
  assert.equal(typeof reply.success, "boolean", what);
  assert.ok(typeof reply.message === "string" && reply.message.length > 3, `${what} has a message`);
  assert.ok(reply.data && typeof reply.data === "object" && !Array.isArray(reply.data), `data of ${what} is an object`);
}

/** Asserts a success of the documented dialect and returns its data. */
export function succeeded(reply, what = "the reply") {
  assertReply(reply, what);
  assert.ok(reply.success, `${what}: ${reply.message}`);
  return reply.data;
}

/** Asserts a failure of the documented dialect whose message is for a person, and returns the message. */
export function failed(reply, what = "the reply") {
  assertReply(reply, what);
  assert.equal(reply.success, false, `${what}: ${JSON.stringify(reply)}`);
  assertPlain(reply.message);
  return reply.message;
}

/** No traceback, no file of ours, nothing that only its author understands. */
export function assertPlain(message) {
  assert.doesNotMatch(message, /traceback|\.lua:\d|\[C\]|\[string|nil value|userdata|table: 0x|\n/);
}

export function assertTriple(ports, what = "ports") {
  assertKeys(ports, ["ssh", "http", "https"], what);
  for (const port of Object.values(ports)) assert.ok(Number.isInteger(port), `${what}: ${port} is no integer`);
  assert.deepEqual([ports.http, ports.https], [ports.ssh + 1, ports.ssh + 2], what);
}

export function assertInstance(data, what) {
  assertKeys(data, ["containerId", "ports"], what);
  assert.match(data.containerId, /^[0-9a-f]{64}$/);
  assertTriple(data.ports, what);
}

export function assertEntry(entry, { running = false } = {}) {
  assertKeys(entry, running ? [...ENTRY, ...USAGE] : ENTRY, "an entry");
  assert.match(entry.containerId, /^[0-9a-f]{64}$/);
  assert.match(entry.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
  assert.ok(Math.abs(Date.now() - Date.parse(entry.createdAt)) < 3600e3, `createdAt ${entry.createdAt}`);
  assert.equal(typeof entry.image, "string");
  assertTriple(entry.ports);
  if (running) for (const name of USAGE) assert.equal(typeof entry[name], "number", name);
}

/** A reply of the deployed dialect; creation adds PORT_NO. */
export function assertDeployed(reply, status, { create = false } = {}) {
  const keys = ["status", "success", "message", "data"];
  if (create) keys.push("PORT_NO");
  assertKeys(reply, keys, JSON.stringify(reply));
  assert.equal(reply.status, status, reply.message);
  assert.equal(reply.success, status < 300);
  assert.equal(typeof reply.data, "object");
  assertPlain(reply.message);
}

/** The user's one container as Docker has it. */
export async function assertInDocker(username, data, { running = true } = {}) {
  const found = await docker.ofUser(username);
  assert.equal(found.length, 1, `${found.length} containers of ${username}`);
  const container = await docker.inspect(found[0].Id);
  assert.equal(container.Id, data.containerId);
  assert.equal(container.State.Running, running);
  assert.deepEqual(docker.bindings(container), { 22: data.ports.ssh, 80: data.ports.http, 443: data.ports.https });
  return container;
}

export async function assertNotInDocker(username) {
  assert.deepEqual(await docker.ofUser(username), [], `${username} has no container`);
}
