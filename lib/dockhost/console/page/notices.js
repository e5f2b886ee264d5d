// Short words on what happened: shown, and read out.
import { byId, copyOf, partsOf } from "./dom.js";

const SECONDS = 8;
const MOST = 4;

/** `kind`: ok, or bad, which stays until it is dismissed, or until another of the same `subject` takes its place. */
export function notice(text, kind = "ok", subject) {
  const list = byId("notices");
  const node = copyOf("notice");
  const parts = partsOf(node);
  node.dataset.kind = kind;
  if (subject) node.dataset.subject = subject;
  parts.text.textContent = text;
  parts.close.addEventListener("click", () => node.remove());
  for (const other of [...list.children]) if (subject && other.dataset.subject === subject) other.remove();
  list.append(node);
  while (list.childElementCount > MOST) list.firstElementChild.remove();
  if (kind === "ok") setTimeout(() => node.remove(), SECONDS * 1000);
}
