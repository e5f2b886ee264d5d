// A button that copies the text beside it.

const SAID_MS = 2000;

// Pages that come without TLS from another machine have no clipboard of their own.
function copyBySelection(node) {
  const selection = window.getSelection();
  selection.selectAllChildren(node);
  const copied = document.execCommand("copy");
  if (copied) selection.removeAllRanges();
  return copied;
}

async function copyText(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    return true;
  } catch {
    return copyBySelection(node);
  }
}

export function copyButton(button, node) {
  let timer;
  button.addEventListener("click", async () => {
    const copied = await copyText(node);
    button.textContent = copied ? "Copied" : "Selected";
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = "Copy"), SAID_MS);
  });
}
