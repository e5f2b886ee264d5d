// Small helpers over the DOM. Text from outside is only ever set as text.

export const byId = (id) => document.getElementById(id);

/** A copy of a template's element. */
export const copyOf = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** The elements below `root` that bear `data-part`, by that name. */
export function partsOf(root) {
  return Object.fromEntries([...root.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
}

/** Leaves a node alone that says this already, so that nothing is read out or painted twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** `kind`: ok, busy, warn, bad, or none. */
export function setBadge(node, kind, text) {
  setAttribute(node, "data-kind", kind);
  setText(node, text);
}

/** Values of a description list; a row without one is hidden. */
export function fill(parts, values) {
  for (const [name, value] of Object.entries(values)) {
    const missing = value === null || value === undefined || value === "";
    parts[name].parentElement.hidden = missing;
    if (!missing) setText(parts[name], String(value));
  }
}

/** A bar of `value` out of `most`; without them, one that says nothing but that there is work. */
export function setBar(bar, value, most) {
  const known = most > 0;
  const share = known ? Math.min(1, Math.max(0, value / most)) : 0;
  setAttribute(bar, "aria-valuemax", known ? most : null);
  setAttribute(bar, "aria-valuenow", known ? Math.min(value, most) : null);
  bar.classList.toggle("unknown", !known);
  bar.firstElementChild.style.width = known ? `${share * 100}%` : "";
  return share;
}

/** Opens a dialog that was closed; Escape and its own buttons close it. */
export function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}
