/** What stands beside a picture in the viewer: its prompt and settings, its tags, and what can be done with it. */
import { copyText } from "./clipboard.js";
import { h, icon } from "./dom.js";
import { factList } from "./fact_list.js";
import { facts, pictureAddress } from "./picture.js";
import { TagsEditor } from "./tags_editor.js";

/**
 * @typedef {Object} Deed something to do with the picture shown
 * @property {string} name
 * @property {string} icon
 * @property {string} label
 * @property {string} hint
 * @property {function(Object): void} run gets the item
 * @property {boolean} [danger]
 */

export class LightboxPanel {
  /**
   * @param {Deed[]} deeds in the order of their buttons
   * @param {function(string[]): void} ontags
   */
  constructor(deeds, ontags) {
    this.item = null;
    this.parameters = null;
    this.prompt = h("p", { class: "st-lightbox-prompt", tabindex: "0" });
    this.negative = h("p", { class: "st-lightbox-prompt st-muted", tabindex: "0" });
    this.revised = h("p", { class: "st-lightbox-prompt st-muted", tabindex: "0" });
    this.negativePart = part("Negative prompt", this.negative);
    this.revisedPart = part("Prompt as it was sent", this.revised);
    this.facts = h("div");
    this.tags = new TagsEditor(ontags);
    this.status = h("p", { class: "st-lightbox-status", role: "status" });
    this.download = h("a", { class: "st-button", "data-deed": "download", title: "Save the file, with its settings in it" }, icon("download"), "Download");
    this.copies = [
      this.#copy("Prompt", "prompt", () => this.item.prompt),
      this.#copy("Seed", "seed", () => this.item.seed),
      this.#copy("All settings", "settings", () => this.parameters, "All settings as text that other programs read, too"),
    ];
    const buttons = deeds.map((deed) => this.#button(deed));
    buttons.splice(-1, 0, this.download);
    this.root = h("aside", { class: "st-lightbox-panel", "aria-label": "About this picture" },
      part("Prompt", this.prompt), this.revisedPart, this.negativePart, this.facts,
      h("div", { class: "st-lightbox-row" }, "Copy", this.copies),
      part("Tags", this.tags.root),
      h("div", { class: "st-lightbox-deeds" }, buttons), this.status);
  }

  /** @param {Object} item of the library, perhaps only its id so far @param {string|null} [parameters] as text */
  show(item, parameters = null) {
    const isOther = this.item?.id !== item.id;
    this.item = item;
    this.parameters = parameters;
    if (isOther) {
      this.say("");
      this.root.scrollTop = 0;
    }
    this.prompt.textContent = item.prompt || "No prompt";
    this.prompt.classList.toggle("st-muted", !item.prompt);
    this.negative.textContent = item.negative_prompt ?? "";
    this.negativePart.hidden = !item.negative_prompt;
    this.revised.textContent = item.revised_prompt ?? "";
    this.revisedPart.hidden = !item.revised_prompt || item.revised_prompt === item.prompt;
    this.facts.replaceChildren(factList(facts(item)));
    // What somebody is typing stays.
    if (isOther || !this.tags.root.contains(document.activeElement)) this.tags.show(item.tags ?? []);
    this.download.setAttribute("href", pictureAddress(item));
    this.download.setAttribute("download", `${item.id}.png`);
    this.copies[0].disabled = !item.prompt;
    this.copies[1].disabled = (item.seed ?? null) === null;
    this.copies[2].disabled = parameters === null;
  }

  /** @param {string} text what just happened @param {boolean} [isBad] */
  say(text, isBad = false) {
    this.status.textContent = text;
    this.status.classList.toggle("st-error", isBad && text !== "");
  }

  #copy(label, name, text, hint = null) {
    return h("button", { class: "st-button st-small", type: "button", title: hint ?? `Copy the ${name}`, "aria-label": `Copy ${label.toLowerCase()}`, "data-copy": name, onclick: async () => {
      const done = await copyText(String(text()));
      this.say(done ? `Copied the ${name}.` : "The browser does not allow copying here.", !done);
    } }, label);
  }

  #button({ name, icon: drawing, label, hint, run, danger }) {
    return h("button", { class: `st-button${danger ? " st-danger" : ""}`, type: "button", title: hint, "data-deed": name,
      onclick: () => run(this.item) }, icon(drawing), label);
  }
}

function part(title, ...content) {
  return h("div", { class: "st-lightbox-part", role: "group", "aria-label": title }, h("p", { class: "st-label", "aria-hidden": "true" }, title), content);
}
