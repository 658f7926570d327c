/** Copying text, also where the browser's clipboard is closed: plain http from another machine. */
import { h } from "./dom.js";

/** @param {string} text @returns {Promise<boolean>} whether it is in the clipboard now */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** The old way: a selected text field, inside the open dialog because everything else is inert. */
function copySelected(text) {
  const before = document.activeElement;
  const field = h("textarea", { value: text, readonly: true, "aria-hidden": "true", class: "st-offscreen" });
  ([...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  before?.focus({ preventScroll: true });
  return copied;
}
