// Figures as people read them.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const PARTS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

export function bytes(count) {
  let unit = 0;
  while (count >= 1024 && unit < UNITS.length - 1) [count, unit] = [count / 1024, unit + 1];
  return `${unit > 0 && count < 10 ? count.toFixed(1) : Math.round(count)} ${UNITS[unit]}`;
}

/** A span of seconds in its two largest units: "3 h 20 min". */
export function span(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const first = PARTS.findIndex(([, size]) => rest >= size);
  if (first === -1) return "0 s";
  const said = [];
  for (const [name, size] of PARTS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) said.push(`${count} ${name}`);
  }
  return said.join(" ");
}

/** How old something is: nobody wants to see its seconds, nor the hours of a month. */
export function age(seconds) {
  if (seconds < 60) return span(seconds);
  const unit = seconds < 30 * 86400 ? 60 : 86400;
  return span(seconds - (seconds % unit));
}

/** How long something took. */
export function duration(ms) {
  if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000);
}

export const percent = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;

/** "1 container", "3 containers". */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Seconds since 1970, or what Date reads, as seconds. */
export const seconds = (time) => (typeof time === "number" ? time : Date.parse(time) / 1000);

const two = (number) => String(number).padStart(2, "0");

/** The hour of a moment; a day before today's comes with its date. */
export function clock(time, today = new Date()) {
  const date = new Date(time * 1000);
  const hour = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  if (date.toDateString() === today.toDateString()) return hour;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${hour}`;
}

/** For `<time>`: the machine's form and the whole moment as its title. */
export function stamp(node, time) {
  const date = new Date(time * 1000);
  if (Number.isNaN(date.getTime())) return;
  node.dateTime = date.toISOString();
  node.title = date.toLocaleString();
}

/** An address as it stands in a URL. */
export const inUrl = (host) => (host.includes(":") ? `[${host}]` : host);
