// Asks before a container is deleted.
import { byId, openDialog, partsOf } from "./dom.js";

export function removeDialog() {
  const dialog = byId("remove");
  const parts = partsOf(dialog);
  let confirmed;
  parts.keep.addEventListener("click", () => dialog.close());
  parts.remove.addEventListener("click", () => {
    dialog.close();
    confirmed();
  });
  return (container, then) => {
    confirmed = then;
    parts.user.textContent = container.username;
    openDialog(dialog);
  };
}
