/** What the history says in words: how many there are, why there are none, what is new, which day it is. */
import { h, icon } from "./dom.js";
import { pictures } from "./picture.js";
import { showTab } from "./tabs.js";

const DATE_MS = 1200;

export class GalleryWords {
  #state = "";
  #timer = 0;

  /** @param {{retry: function(): void, clear: function(): void, showNew: function(): void}} deeds */
  constructor(deeds) {
    this.deeds = deeds;
    this.count = h("span", { class: "st-gallery-count", role: "status" });
    this.message = h("div", { class: "st-gallery-message", hidden: true });
    this.news = h("button", { class: "st-button st-primary st-gallery-news", type: "button", hidden: true, onclick: deeds.showNew });
    this.date = h("span", { class: "st-gallery-day", "aria-hidden": "true" });
  }

  /** @param {Object} list the GalleryList @param {boolean} isNarrowed whether filters leave something out */
  draw(list, isNarrowed) {
    const { total, fresh, fault } = list;
    if (total !== null) this.count.textContent = pictures(total + fresh.length) + (isNarrowed ? " found" : "");
    this.news.hidden = fresh.length === 0;
    this.news.replaceChildren(icon("arrow-up"), fresh.length === 1 ? "1 new picture" : `${fresh.length} new pictures`);
    if (fault !== null) this.#show(`fault ${fault.message}`, () => this.#fault(fault, total));
    else if (total === null && list.items.length === 0) this.#show("loading", () => [h("p", { role: "status" }, "Loading …")]);
    else if (total === 0 && isNarrowed) this.#show("none found", () => this.#noneFound());
    else if (total === 0) this.#show("none made", () => this.#noneMade());
    else this.#show("", () => []);
    this.message.classList.toggle("st-gallery-below", fault !== null && total > 0);
  }

  /** Say for a moment which day is in sight. @param {Object|undefined} item the first one in the window */
  showDate(item) {
    if (item === undefined) return;
    const day = new Date(item.created_at * 1000).toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
    this.date.textContent = day;
    this.date.classList.add("st-shown");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.date.classList.remove("st-shown"), DATE_MS);
  }

  /** What is said already stays: a button that is drawn anew loses the focus. */
  #show(state, content) {
    if (state === this.#state) return;
    this.#state = state;
    this.message.replaceChildren(...content());
    this.message.hidden = state === "";
  }

  #fault(fault, total) {
    return [icon("warning"), h("p", { role: "alert" }, `${total > 0 ? "The rest" : "The history"} could not be loaded. ${fault.message}`),
      h("button", { class: "st-button", type: "button", onclick: this.deeds.retry }, icon("retry"), "Try again")];
  }

  #noneFound() {
    return [icon("search"), h("h2", {}, "No picture matches"), h("p", {}, "Use fewer words, or take some filters off."),
      h("button", { class: "st-button", type: "button", onclick: this.deeds.clear }, "Clear filters")];
  }

  #noneMade() {
    return [icon("image"), h("h2", {}, "Nothing made yet"), h("p", {}, "Every picture you make is kept here, with all its settings."),
      h("button", { class: "st-button st-primary", type: "button", onclick: () => showTab("txt2img") }, "Make the first picture")];
  }
}
