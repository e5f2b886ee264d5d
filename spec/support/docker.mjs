// A small Docker Engine client over the unix socket, to see the end state in Docker itself.
import http from "node:http";

const HOST = process.env.DOCKER_HOST || "unix:///var/run/docker.sock";
export const SOCKET = HOST.replace(/^unix:\/\//, "");

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const request = http.request({ socketPath: SOCKET, agent: false, method, path, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function checked(method, path, body) {
  const { status, text } = await send(method, path, body);
  if (status >= 400) throw Object.assign(new Error(`${method} ${path}: ${status} ${text}`), { status });
  return text;
}

async function call(method, path, body) {
  const text = await checked(method, path, body);
  return text.trim() && JSON.parse(text);
}

async function unlessMissing(promise) {
  try {
    return await promise;
  } catch (error) {
    // Podman's words, while one is being removed.
    if (error.status === 404 || /no such container/.test(error.message)) return null;
    throw error;
  }
}

const query = (parameters) => new URLSearchParams(parameters).toString();
const at = (reference) => `/containers/${encodeURIComponent(reference)}`;

/** Containers in any state that match Docker's own filters. */
export const list = (filters = {}) => call("GET", `/containers/json?${query({ all: 1, filters: JSON.stringify(filters) })}`);

/** The container, or null. */
export const inspect = (reference) => unlessMissing(call("GET", `${at(reference)}/json`));

/** Removes a container with its anonymous volumes; one that is gone, or going, is no failure. */
export async function remove(reference) {
  const { status, text } = await send("DELETE", `${at(reference)}?${query({ force: 1, v: 1 })}`);
  if (status >= 400 && status !== 404 && status !== 409) throw new Error(`remove ${reference}: ${status} ${text}`);
}

/** Makes a container and resolves to its id; `body` is Docker's own. */
export const create = async (name, body) => (await call("POST", `/containers/create?${query({ name })}`, body)).Id;

export const info = () => call("GET", "/info");
export const version = () => call("GET", "/version");

/** Whether it limits and measures containers, which Podman without rights does with cgroups v2 alone. */
export async function measures() {
  const { Rootless, CgroupVersion } = await info();
  return !(Rootless && CgroupVersion === "1");
}

export const start = (reference) => call("POST", `${at(reference)}/start`);
export const stop = (reference) => call("POST", `${at(reference)}/stop?t=1`);
export const pause = (reference) => call("POST", `${at(reference)}/pause`);
export const unpause = (reference) => call("POST", `${at(reference)}/unpause`);
/** A tar of one file in a container, as text, or null. */
export const file = (reference, path) => unlessMissing(checked("GET", `${at(reference)}/archive?${query({ path })}`));
export const image = (reference) => unlessMissing(call("GET", `/images/${reference}/json`));
export const tag = (reference, repo, name) => call("POST", `/images/${reference}/tag?${query({ repo, tag: name })}`);
export const untag = (reference) => unlessMissing(call("DELETE", `/images/${reference}?noprune=1`));

/** Runs a program inside a container and resolves to its exit code; the shell's 137 where the container went. */
export async function exec(reference, Cmd) {
  const { Id } = await call("POST", `${at(reference)}/exec`, { Cmd, AttachStdout: true, AttachStderr: true });
  await send("POST", `/exec/${Id}/start`, { Detach: false, Tty: false });
  const state = await unlessMissing(call("GET", `/exec/${Id}/json`));
  return state?.ExitCode ?? 137;
}

/** Managed containers of a user, in any state. */
export async function ofUser(username) {
  const managed = await list({ label: ["dockhost.managed=true"] });
  return managed.filter((container) => container.Labels["dockhost.username"] === username);
}

/** The host ports of an inspected container's bindings, by container port: `{ 22: 1024, … }`. */
export function bindings(container) {
  const entries = Object.entries(container.HostConfig.PortBindings ?? {});
  return Object.fromEntries(entries.map(([port, [binding]]) => [parseInt(port, 10), Number(binding.HostPort)]));
}
