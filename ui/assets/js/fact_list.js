/** Labels with their values, in columns. */
import { h } from "./dom.js";

/** @param {Array<[string, string]>} pairs @returns {HTMLElement} */
export function factList(pairs) {
  return h("dl", { class: "st-picture-facts" }, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
