// The guide lua/README.md as the steps that a reader takes: files to save, lines to run, what these print.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./dockhost.mjs";

const BLOCK = /(?:<!-- ([^\n]*) -->\n)?```(.*)\n([^]*?)```/g;

/** `{ file, text }`, `{ run, output, second }` or, of what the second terminal shows meanwhile, `{ shows }`. */
function step(steps, mark, language, text, line) {
  const file = mark?.match(/^file: (\S+)$/)?.[1];
  const second = mark === "second terminal";
  const last = steps.at(-1);
  if (language === "lua" && file) return { file, text, line };
  if (language === "sh" && (second || !mark)) return { run: text, second, line };
  if (language === "text" && second) return { shows: text, line };
  if (language === "text" && !mark && last?.run && last.output === undefined) return Object.assign(last, { output: text });
  return assert.fail(`lua/README.md:${line}: this block is run by nothing: \`\`\`${language} ${mark ?? ""}`);
}

export async function guide() {
  const text = await readFile(join(ROOT, "lua/README.md"), "utf8");
  const steps = [];
  let found = 0;
  for (const { 0: whole, 1: mark, 2: language, 3: body, index } of text.matchAll(BLOCK)) {
    const next = step(steps, mark, language, body, text.slice(0, index + whole.indexOf("```")).split("\n").length);
    if (next !== steps.at(-1)) steps.push(next);
    found += 1;
  }
  assert.equal(found * 2, text.match(/^```/gm).length, "every fence is of a block");
  return steps;
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A pattern of what the guide shows: `…` is anything, a line of it alone any number of lines; spaces any number. */
export function pattern(shown) {
  const lines = shown.replace(/\n$/, "").split("\n");
  return lines.map((line) => (line === "…" ? "(?:.*\n)*?.*" : escaped(line).replace(/…/g, ".*").replace(/ +/g, " +"))).join("\n");
}
