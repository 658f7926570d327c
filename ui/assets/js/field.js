/** Reading and writing the widgets of a form from our own elements. */

/** @param {string} form the tab's id @param {string} name @returns {HTMLInputElement|HTMLTextAreaElement|null} */
export function field(form, name) {
  return document.querySelector(`#${CSS.escape(`${form}-${name}`)} :is(textarea, input)`);
}

/** Write as if typed, so that everything that listens hears of it. */
export function write(input, text) {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
