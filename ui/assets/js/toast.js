/** Short messages in a corner; what went wrong stays until it is read. */
import { h, icon } from "./dom.js";

const SECONDS = { good: 4, plain: 5, bad: 12 };
let shelf = null;

/**
 * @param {string} text
 * @param {"good"|"plain"|"bad"} [kind]
 */
export function toast(text, kind = "plain") {
  if (shelf === null) {
    shelf = h("div", { class: "st-toasts", role: "status", "aria-live": "polite" });
    document.body.append(shelf);
  }
  const close = h("button", { class: "st-button st-icon-only", type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, icon("close"));
  const note = h("div", { class: `st-toast st-toast-${kind}`, role: kind === "bad" ? "alert" : null }, h("span", {}, text), close);
  shelf.append(note);
  while (shelf.children.length > 4) shelf.firstElementChild.remove();
  setTimeout(() => note.remove(), SECONDS[kind] * 1000);
}
