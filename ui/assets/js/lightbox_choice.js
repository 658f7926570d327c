/** Choosing the other picture of a comparison, among those around the one shown. */
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { caption, thumbAddress } from "./picture.js";

/** So many on each side. */
const AROUND = 40;

/**
 * @param {Object[]} items
 * @param {number} index of the one that is compared
 * @returns {Promise<Object|null>} the other one
 */
export async function chooseOther(items, index) {
  let chosen = null;
  const near = items.slice(Math.max(0, index - AROUND), index + AROUND + 1).filter((item) => item !== items[index]);
  const choices = near.map((item) => h("button", { class: "st-candidate", type: "button", title: caption(item), "aria-label": caption(item),
    onclick: () => {
      chosen = item;
      close();
    } }, h("img", { src: thumbAddress(item, 128), alt: "", loading: "lazy", width: "96", height: "96" })));
  const { close, closed } = openDialog({
    title: "Compare with which picture?", wide: true,
    body: choices.length > 0 ? h("div", { class: "st-candidates" }, choices) : h("p", {}, "There is no other picture yet."),
  });
  choices[Math.min(index, AROUND, choices.length - 1)]?.focus();
  await closed;
  return chosen;
}
