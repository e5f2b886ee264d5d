// Bounded waiting on a condition, the only kind of waiting in these suites.

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Resolves to the first truthy result of `condition`; fails with `what` when there is none within `timeout` ms. */
export async function until(condition, what, { timeout = 15000, every = 20 } = {}) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`waited ${timeout} ms in vain for ${describe(what)}`);
    await pause(every);
  }
}

/** Settles as `promise` does, or fails with `what` after `timeout` ms. */
export async function within(promise, what, timeout = 15000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeout} ms in vain for ${describe(what)}`)), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(what) {
  return typeof what === "function" ? what() : what;
}
