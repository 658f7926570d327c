/** Words on a picture: each with a cross, and a field for more that offers the words already in use. */
import { getJSON } from "./api.js";
import { h, icon } from "./dom.js";

const LONGEST = 50;
let count = 0;

/** The words in use, the most frequent first. @returns {Promise<string[]>} */
async function knownTags() {
  return (await getJSON("api/library/stats")).tags.map((tag) => tag.name);
}

export class TagsEditor {
  #tags = [];
  #suggests = false;

  /** @param {function(string[]): void} onchange the tags that are wanted now */
  constructor(onchange) {
    this.onchange = onchange;
    const list = `st-tags-known-${(count += 1)}`;
    this.known = h("datalist", { id: list });
    this.chips = h("span", { class: "st-tags-chips", role: "list", "aria-label": "Tags" });
    this.field = h("input", { class: "st-input st-tags-field", type: "text", list, maxlength: LONGEST, "aria-label": "Add a tag",
      placeholder: "Add a tag", autocomplete: "off", enterkeyhint: "done", onkeydown: (event) => this.#key(event),
      onfocus: () => this.#suggest(), onblur: () => this.take() });
    this.root = h("div", { class: "st-tags" }, this.chips, this.field, this.known);
  }

  get tags() {
    return [...this.#tags];
  }

  /** @param {string[]} tags */
  show(tags) {
    this.#tags = [...tags];
    this.chips.replaceChildren(...this.#tags.map((tag) => this.#chip(tag)));
  }

  /** Make what is in the field a tag. */
  take() {
    const fresh = this.field.value.split(",").map((word) => word.trim()).filter((word) => word !== "");
    this.field.value = "";
    const known = new Set(this.#tags.map((tag) => tag.toLowerCase()));
    const added = fresh.filter((word) => !known.has(word.toLowerCase()));
    if (added.length > 0) this.#change([...this.#tags, ...added]);
  }

  #chip(tag) {
    const remove = h("button", { class: "st-tags-remove", type: "button", "aria-label": `Remove the tag ${tag}`,
      onclick: () => {
        this.#change(this.#tags.filter((other) => other !== tag));
        this.field.focus();
      } }, icon("close"));
    return h("span", { class: "st-tags-chip", role: "listitem" }, h("span", { class: "st-tags-word" }, tag), remove);
  }

  #change(tags) {
    this.show(tags);
    this.onchange(this.tags);
  }

  #key(event) {
    if ((event.key === "Enter" || event.key === ",") && !event.isComposing) {
      event.preventDefault();
      this.take();
    } else if (event.key === "Backspace" && this.field.value === "" && this.#tags.length > 0) {
      this.#change(this.#tags.slice(0, -1));
    }
  }

  async #suggest() {
    if (this.#suggests) return;
    this.#suggests = true;
    try {
      const names = await knownTags();
      this.known.replaceChildren(...names.map((name) => h("option", { value: name })));
    } catch {
      this.#suggests = false; // tags can be typed without being offered
    }
  }
}
