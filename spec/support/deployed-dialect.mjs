// What the deployed main server does for its own HTTP callers: the exact sequences of events, and its strictness.
import { ServerResponse } from "node:http";

// It passes `status` on to its HTTP response, which throws on what is no status.
function respond(reply) {
  if (!Number.isInteger(reply?.status)) throw new TypeError(`no HTTP status in ${JSON.stringify(reply)}`);
  new ServerResponse({ method: "POST" }).writeHead(reply.status);
  return { status: reply.status, body: reply };
}

async function step(server, steps, event, payload) {
  const answer = await server.tell(event, payload.USERNAME, payload);
  steps.push([event, answer]);
  return answer;
}

function refuse(status, message) {
  return { status, body: { success: false, message } };
}

async function finish(server, steps, event, payload) {
  return { steps, http: respond(await step(server, steps, event, payload)) };
}

/** Each resolves to `{ steps: [[event, answer], …], http: { status, body } }`. */
export async function createInstance(server, payload) {
  const steps = [];
  const { USERNAME } = payload;
  if (await step(server, steps, "check_if_container_exists", { USERNAME })) {
    return { steps, http: refuse(409, "Instance already exists") };
  }
  return finish(server, steps, "start_container", payload);
}

async function changeRunning(server, USERNAME, event, wanted) {
  const steps = [];
  if (!(await step(server, steps, "check_if_container_exists", { USERNAME }))) {
    return { steps, http: refuse(404, "No such instance") };
  }
  const running = await step(server, steps, "check_if_container_running", { USERNAME });
  if (running === wanted) return { steps, http: refuse(409, "Nothing to do") };
  return finish(server, steps, event, { USERNAME });
}

export const stopInstance = (server, USERNAME) => changeRunning(server, USERNAME, "stop_container", false);
export const resumeInstance = (server, USERNAME) => changeRunning(server, USERNAME, "resume_container", true);

export async function deleteInstance(server, USERNAME) {
  const steps = [];
  if (!(await step(server, steps, "check_if_container_exists", { USERNAME }))) {
    return { steps, http: refuse(404, "No such instance") };
  }
  return finish(server, steps, "delete_container", { USERNAME });
}
