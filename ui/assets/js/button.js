/** Buttons with a drawing, as lists and boards use them. */
import { h, icon } from "./dom.js";

/**
 * @param {string} drawing a key of ICONS
 * @param {string} label what it does; without words on the button it is its name and its tooltip
 * @param {function(Event): void} onclick
 * @param {{words?: boolean, name?: string, kind?: string, needs?: string}} [options] `words` false leaves only the
 *   drawing; `name` says more than the label to those who hear the page; `kind` is a class, such as "st-danger";
 *   `needs` is what a key must be for (rights.js)
 * @returns {HTMLButtonElement}
 */
export function button(drawing, label, onclick, { words = true, name = label, kind = "", needs = null } = {}) {
  return h("button", {
    class: `st-button st-small ${words ? "" : "st-icon-only"} ${kind}`, type: "button", onclick, "data-needs": needs,
    title: words && name === label ? null : name, "aria-label": name === label && words ? null : name,
  }, icon(drawing), words && h("span", {}, label));
}
