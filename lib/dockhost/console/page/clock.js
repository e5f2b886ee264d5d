// The node's clock, which may differ from this machine's, and a tick a second while somebody looks.

let ahead = 0;
const listeners = [];

export const now = () => Date.now() / 1000 + ahead;

export function sync(time) {
  ahead = time - Date.now() / 1000;
}

/** Calls `fn` every second while the page is seen. */
export function everySecond(fn) {
  listeners.push(fn);
}

let timer;

function tick() {
  for (const listener of listeners) listener();
}

function follow() {
  clearInterval(timer);
  if (document.hidden) return;
  tick();
  timer = setInterval(tick, 1000);
}

export function startClock() {
  document.addEventListener("visibilitychange", follow);
  follow();
}
