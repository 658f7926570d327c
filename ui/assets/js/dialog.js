/** Dialogs in the page's own look: the browser's modal element, so that the rest of the page waits inert. */
import { h, icon, on } from "./dom.js";

const FOCUSABLE = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex='0']";
let count = 0;

/**
 * A dialog with a heading, a body and a row of buttons. Esc, the cross and a click beside it close it.
 *
 * @param {{title: string, body?: *, actions?: HTMLElement[], wide?: boolean}} content
 * @returns {{dialog: HTMLDialogElement, close: function(): void, closed: Promise<void>}} focus is back where
 *   it was when `closed` is kept
 */
export function openDialog({ title, body = null, actions = [], wide = false }) {
  const name = `st-dialog-title-${(count += 1)}`;
  const cross = h("button", { class: "st-button st-icon-only", type: "button", "aria-label": "Close" }, icon("close"));
  const dialog = h("dialog", { class: `st-element st-dialog${wide ? " st-dialog-wide" : ""}`, "aria-labelledby": name },
    h("div", { class: "st-dialog-head" }, h("h2", { id: name }, title), cross),
    h("div", { class: "st-dialog-body" }, body),
    actions.length > 0 && h("div", { class: "st-dialog-foot" }, actions));
  const closed = showModal(dialog);
  cross.addEventListener("click", () => dialog.close());
  return { dialog, close: () => dialog.close(), closed };
}

/**
 * Show any dialog as a modal one and take it away when it closes.
 *
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<void>} kept when it is closed
 */
export function showModal(dialog) {
  const before = document.activeElement;
  // Inside of Gradio's frame: what its style sheets say about small screens reaches no further.
  (document.querySelector(".gradio-container .contain") ?? document.body).append(dialog);
  dialog.addEventListener("keydown", (event) => keepFocus(dialog, event));
  let pressed = null;
  on(dialog, "pointerdown", (event) => (pressed = event.target));
  on(dialog, "click", (event) => {
    // A drag that began inside, for example selecting text, may end beside.
    if (event.target === dialog && pressed === dialog && isBeside(dialog, event)) dialog.close();
  });
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      done();
    }, { once: true });
  });
}

/**
 * Ask before something that can't be undone, or that costs something.
 *
 * @param {{title: string, text?: string, action: string, danger?: boolean}} question `action` names what the
 *   button does, as in "Delete 3 pictures"
 * @returns {Promise<boolean>} whether the answer was yes
 */
export async function confirmed({ title, text = "", action, danger = false }) {
  let answer = false;
  const no = h("button", { class: "st-button", type: "button" }, "Cancel");
  const yes = h("button", { class: `st-button ${danger ? "st-danger" : "st-primary"}`, type: "button" }, action);
  const { close, closed } = openDialog({ title, body: text && h("p", {}, text), actions: [no, yes] });
  no.addEventListener("click", close);
  yes.addEventListener("click", () => {
    answer = true;
    close();
  });
  // What destroys is never one careless Enter away.
  (danger ? no : yes).focus();
  await closed;
  return answer;
}

/** Tab goes round inside: without this it leaves for the browser's own controls at either end. */
function keepFocus(dialog, event) {
  if (event.key !== "Tab" || event.target.closest("dialog") !== dialog) return;
  const inside = [...dialog.querySelectorAll(FOCUSABLE)].filter((element) => element.tabIndex >= 0 && element.checkVisibility());
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined) return;
  if (event.shiftKey ? document.activeElement === first || document.activeElement === dialog : document.activeElement === last) {
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }
}

function isBeside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
