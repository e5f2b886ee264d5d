// Commands to the node.

/** Sends a command and resolves to its reply, `{ success, message, data }`, whatever happens. */
export async function command(event, payload) {
  try {
    const response = await fetch(`/api/commands/${event}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(payload),
    });
    const reply = await response.json().catch(() => null);
    if (typeof reply?.success === "boolean") return { data: {}, ...reply };
    return failure(reply?.message ?? `the node answered ${response.status} and nothing that can be read`);
  } catch (error) {
    return failure(`the node did not answer: ${error.message}`);
  }
}

const failure = (message) => ({ success: false, message, data: {} });

/** Whether the node still takes this page's token; null where it does not answer. */
export async function welcome() {
  try {
    const { status } = await fetch("/api/containers");
    return status !== 401 && status !== 403;
  } catch {
    return null;
  }
}
