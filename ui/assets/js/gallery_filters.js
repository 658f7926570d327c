/** What is looked for in the history: words, settings, dates, marks and the order; kept over a reload. */
import { h, icon } from "./dom.js";
import { TYPES } from "./picture.js";

const KEY = "studio-history";
const TYPING_MS = 250;
const NONE = Object.freeze({ q: "", model: "", type: "", size: "", tag: "", from: "", to: "", favourite: false, sort: "newest" });

/**
 * The API's way to say it. Days are the reader's own, from midnight to midnight.
 *
 * @param {Object} filters @returns {string} a query without the question mark
 */
export function toQuery(filters) {
  const query = new URLSearchParams();
  for (const name of ["q", "model", "type", "size", "tag"]) {
    const value = filters[name].trim();
    if (value !== "") query.set(name, value);
  }
  const [from, to] = [midnight(filters.from, 0), midnight(filters.to, 1)];
  if (from !== null) query.set("from", String(from));
  if (to !== null) query.set("to", String(to));
  if (filters.favourite) query.set("favourite", "1");
  query.set("sort", filters.sort);
  return query.toString();
}

/** Seconds since the epoch at the beginning of a day, or of one `later` days on. */
function midnight(day, later) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (parts === null) return null;
  const [year, month, date] = parts.slice(1).map(Number);
  return new Date(year, month - 1, date + later).getTime() / 1000;
}

export class GalleryFilters {
  #typing = 0;

  /** @param {function(): void} onchange */
  constructor(onchange) {
    this.onchange = onchange;
    this.filters = { ...NONE, ...restored() };
    this.search = h("input", { class: "st-input st-gallery-search", type: "search", "aria-label": "Search in prompts", maxlength: "400",
      placeholder: "Search in prompts", title: "Every word must occur. Press / to come here", value: this.filters.q,
      oninput: () => this.#type(), onkeydown: (event) => this.#key(event) });
    this.sort = this.#select("sort", "Order", [["newest", "Newest first"], ["oldest", "Oldest first"]]);
    this.favourite = h("button", { class: "st-button", type: "button", title: "Favourites only", "aria-label": "Favourites only",
      onclick: () => this.set({ favourite: !this.filters.favourite }) }, icon("heart"));
    this.model = this.#select("model", "Model", [["", "Any model"]]);
    this.type = this.#select("type", "Type", [["", "Any type"], ...Object.entries(TYPES)]);
    this.size = this.#select("size", "Size", [["", "Any size"]]);
    this.tag = this.#select("tag", "Tag", [["", "Any tag"]]);
    this.from = this.#date("from", "From");
    this.to = this.#date("to", "To");
    this.badge = h("span", { class: "st-gallery-badge", hidden: true });
    this.more = h("button", { class: "st-button st-gallery-more", type: "button", "aria-expanded": "false", "aria-controls": "st-gallery-filters",
      onclick: () => this.#unfold() }, icon("filter"), h("span", {}, "Filters"), this.badge);
    this.clearButton = h("button", { class: "st-button", type: "button", onclick: () => this.clear() }, icon("close"), "Clear filters");
    this.row = h("div", { class: "st-gallery-filters", id: "st-gallery-filters", role: "group", "aria-label": "Filters" },
      this.model, this.type, this.size, this.tag, this.from.label, this.to.label, this.clearButton);
    this.#draw();
  }

  get query() {
    return toQuery(this.filters);
  }

  /** Whether anything is left out; the order leaves nothing out. */
  get isNarrowed() {
    return this.#count() > 0 || this.filters.q.trim() !== "";
  }

  /** @param {Object} changes */
  set(changes) {
    clearTimeout(this.#typing);
    this.filters = { ...this.filters, ...changes };
    this.#draw();
    this.#keep();
    this.onchange();
  }

  clear() {
    this.set({ ...NONE, sort: this.filters.sort });
  }

  /**
   * What there is to choose from, with how often it occurs.
   *
   * @param {{models: {id: string, count: number}[], sizes: {size: string, count: number}[],
   *   tags: {name: string, count: number}[]}} stats
   */
  offer({ models, sizes, tags }) {
    const often = (name, count) => [name, `${name} (${count.toLocaleString()})`];
    fill(this.model, [["", "Any model"], ...models.map(({ id, count }) => often(id, count))], this.filters.model);
    fill(this.size, [["", "Any size"], ...sizes.map(({ size, count }) => [size, often(size.replace("x", " × "), count)[1]])], this.filters.size);
    fill(this.tag, [["", "Any tag"], ...tags.map(({ name, count }) => often(name, count))], this.filters.tag);
  }

  #type() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.set({ q: this.search.value }), TYPING_MS);
  }

  #key(event) {
    if (event.key === "Enter") this.set({ q: this.search.value });
    else if (event.key === "Escape" && this.search.value !== "") {
      event.stopPropagation();
      this.search.value = "";
      this.set({ q: "" });
    }
  }

  #select(name, label, options) {
    const select = h("select", { class: "st-select", "aria-label": label, "data-filter": name, onchange: () => this.set({ [name]: select.value }) });
    fill(select, options, this.filters[name]);
    return select;
  }

  #date(name, label) {
    const field = h("input", { class: "st-input", type: "date", "data-filter": name, value: this.filters[name],
      onchange: () => this.set({ [name]: field.value }) });
    return { field, label: h("label", { class: "st-gallery-date" }, label, field) };
  }

  #unfold() {
    const open = this.row.classList.toggle("st-open");
    this.more.setAttribute("aria-expanded", String(open));
  }

  #count() {
    return ["model", "type", "size", "tag", "from", "to", "favourite"].filter((name) => this.filters[name]).length;
  }

  #draw() {
    const { filters } = this;
    if (document.activeElement !== this.search) this.search.value = filters.q;
    for (const name of ["sort", "model", "type", "size", "tag"]) choose(this[name], filters[name]);
    this.from.field.value = filters.from;
    this.to.field.value = filters.to;
    this.favourite.setAttribute("aria-pressed", String(filters.favourite));
    const count = this.#count() - (filters.favourite ? 1 : 0);
    this.badge.hidden = count === 0;
    this.badge.textContent = String(count);
    this.more.setAttribute("aria-label", count === 0 ? "Filters" : `Filters, ${count} on`);
    this.clearButton.hidden = !this.isNarrowed;
  }

  #keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.filters));
    } catch {
      // A browser that stores nothing still filters.
    }
  }
}

function restored() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    return Object.fromEntries(Object.entries(kept).filter(([name, value]) => typeof value === typeof NONE[name]));
  } catch {
    return {};
  }
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  choose(select, chosen);
}

/** Also something that isn't offered, such as a model of which no picture is left: it still is what is asked for. */
function choose(select, value) {
  if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, value));
  select.value = value;
}
