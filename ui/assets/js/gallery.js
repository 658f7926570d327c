/**
 * The history: every picture made, newest first, in a grid that scrolls through all of them.
 *
 * The parts know nothing of each other: filters say what is wanted, the list loads it, the grid shows it, the
 * selection remembers what is chosen, and this module carries word between them.
 */
import { getJSON } from "./api.js";
import { h, on } from "./dom.js";
import { subscribe } from "./events.js";
import { GalleryBar } from "./gallery_bar.js";
import { GalleryCleanup } from "./gallery_cleanup.js";
import { GalleryFilters } from "./gallery_filters.js";
import { GalleryGrid } from "./gallery_grid.js";
import { GalleryImport } from "./gallery_import.js";
import { listenForKeys } from "./gallery_keys.js";
import { GalleryList } from "./gallery_list.js";
import { listenForPointer } from "./gallery_pointer.js";
import { Selection } from "./gallery_select.js";
import { GalleryWords } from "./gallery_words.js";
import { openLightbox } from "./lightbox.js";
import { toast } from "./toast.js";

const PLACE = "studio-history-place";
/** Windows to load ahead of the one in sight. */
const AHEAD = 3;
/** The viewer asks for so many more at once. */
const MORE = 60;
/** News of one job come in a bunch. */
const NEWS_MS = 250;
const STATS_MS = 1500;
const LEAST_HEIGHT = 320;

/** @param {{element: HTMLElement, props: {most_bytes: number}}} component of gr.HTML */
export function mount({ element, props }) {
  return new Gallery(element.querySelector(".st-element") ?? element, props);
}

class Gallery {
  #later = new Map();
  /** Where to scroll to as soon as the first answer is there. */
  #goal = null;
  #missed = false;

  constructor(parent, props) {
    this.selection = new Selection(() => this.#draw());
    this.filters = new GalleryFilters(() => this.#ask());
    this.list = new GalleryList(() => this.#draw());
    this.grid = new GalleryGrid({
      itemAt: (index) => this.list.items[index],
      isSelected: (item) => this.selection.has(item.id),
      onWindow: (first, last) => this.list.want(last + AHEAD * (last - first + 1)),
      onScroll: () => this.#scrolled(),
    });
    this.bar = new GalleryBar({
      chosen: () => this.selection.items,
      onMarked: (items) => this.#marked(items),
      onDeleted: (ids) => this.#deleted(ids),
      onClear: () => this.selection.clear(),
    });
    this.words = new GalleryWords({ retry: () => this.list.retry(), clear: () => this.filters.clear(), showNew: () => this.#showNew() });
    this.reader = new GalleryImport(props.most_bytes, () => this.isInSight);
    this.cleanup = new GalleryCleanup(() => this.#soon("again", 0, () => this.list.again().then(() => this.#count())));
    this.#build(parent);
    this.#listen();
    this.#ask(remembered());
    this.#count();
  }

  get isInSight() {
    return this.root.isConnected && this.root.clientHeight > 0;
  }

  #build(parent) {
    const { filters } = this;
    const tools = h("div", { class: "st-gallery-tools", role: "search" }, filters.search, filters.more, filters.favourite, filters.sort,
      h("span", { class: "st-space" }), this.words.count, this.cleanup.button, this.reader.button, this.reader.file);
    const frame = h("div", { class: "st-gallery-window" }, this.grid.root, this.words.message, this.words.date, this.words.news, this.bar.root);
    this.root = h("section", { class: "st-gallery", "aria-label": "History" }, tools, filters.row, frame, this.reader.veil);
    parent.replaceChildren(this.root);
  }

  #listen() {
    const parts = { grid: this.grid, list: this.list, selection: this.selection, filters: this.filters, open: (index) => this.#open(index),
      isInSight: () => this.isInSight,
      love: (items) => this.bar.love(items).catch((error) => toast(error.message, "bad")),
      remove: (items) => this.bar.remove(items).catch((error) => toast(error.message, "bad")) };
    listenForKeys(parts);
    listenForPointer(parts);
    const observer = new ResizeObserver(() => this.#fit());
    for (const element of [this.root, document.querySelector("#pulse"), document.querySelector("#strip")]) if (element) observer.observe(element);
    on(window, "resize", () => this.#fit());
    subscribe((name, data) => this.#hear(name, data));
  }

  /** As high as the window leaves room, so that the pictures scroll and everything else stays. */
  #fit() {
    if (!this.isInSight) return;
    const below = document.querySelector("#strip")?.offsetHeight ?? 0;
    const padding = parseFloat(getComputedStyle(this.root.closest(".tabitem") ?? document.body).paddingBottom) || 0;
    const top = this.root.getBoundingClientRect().top + document.documentElement.scrollTop;
    const height = Math.max(LEAST_HEIGHT, Math.floor(document.documentElement.clientHeight - top - below - padding));
    this.root.style.setProperty("height", `${height}px`);
    if (this.#missed) this.#look();
  }

  // -- asking ------------------------------------------------------------------------------------------------

  #ask(place = 0) {
    this.selection.clear();
    this.#goal = place;
    this.list.ask(this.filters.query, place);
  }

  #draw() {
    const { list, grid } = this;
    // Until the first answer the grid keeps what it shows, so that typing in the search field doesn't flicker.
    if (list.total !== null) grid.draw(list.total);
    if (list.total !== null && this.#goal !== null) {
      const goal = Math.min(this.#goal, list.total);
      this.#goal = null;
      grid.active = goal;
      grid.scrollTo(goal);
    }
    this.bar.draw();
    this.words.draw(list, this.filters.isNarrowed);
  }

  #scrolled() {
    this.words.showDate(this.list.items[this.grid.top]);
    if (this.grid.isAtTop && this.list.fresh.length > 0) this.#showNew();
    this.#soon("place", 200, () => remember(this.grid.top));
  }

  async #count() {
    try {
      const stats = await getJSON("api/library/stats");
      this.filters.offer(stats);
      this.cleanup.show(stats);
    } catch {
      // Without the numbers everything else still works; the next change asks again.
    }
  }

  /** Do something once after a pause, however often it is asked for until then. */
  #soon(name, pause, deed) {
    clearTimeout(this.#later.get(name));
    this.#later.set(name, setTimeout(deed, pause));
  }

  // -- news ----------------------------------------------------------------------------------------------------

  #hear(name, data) {
    if (name === "generation_completed" || name === "caught_up") {
      this.#soon("look", NEWS_MS, () => this.#look());
    } else if (name === "generation_deleted") {
      this.#gone((item) => item.generation_id === data.generation_id);
    } else if (name === "images_changed") {
      this.list.refresh(data.ids).catch((error) => toast(error.message, "bad"));
    } else {
      return;
    }
    this.#soon("count", STATS_MS, () => this.#count());
  }

  async #look() {
    this.#missed = !this.isInSight;
    if (this.#missed) return; // looked for when the tab is shown again
    try {
      await this.list.look();
    } catch {
      return; // the next news look again
    }
    if (this.grid.isAtTop && document.querySelector("dialog:modal") === null) this.#showNew();
  }

  #showNew() {
    const isAtTop = this.grid.isAtTop;
    const count = this.list.take();
    this.grid.active += count;
    if (!isAtTop) this.grid.activate(0);
    this.grid.scrollTo(0);
  }

  // -- changes ---------------------------------------------------------------------------------------------------

  #marked(items) {
    for (const item of items) {
      this.selection.replace(item);
      this.list.replace(item);
    }
    this.#draw();
    this.#soon("count", STATS_MS, () => this.#count());
  }

  #deleted(ids) {
    const gone = new Set(ids);
    this.#gone((item) => gone.has(item.id));
    // The focus was on something that isn't there any more.
    if (this.list.total > 0) this.grid.activate(this.grid.active);
    this.#soon("count", STATS_MS, () => this.#count());
  }

  #gone(isGone) {
    this.selection.remove(isGone);
    this.list.remove(isGone);
  }

  async #open(index) {
    const { list, grid } = this;
    const walk = (item) => {
      const place = list.items.findIndex((other) => other.id === item.id);
      if (place !== -1) grid.activate(place, false);
    };
    await openLightbox(list.items, index, {
      onShow: walk,
      onChange: ({ item, deleted }) => (deleted === undefined ? this.#marked([item]) : this.#gone((other) => other.id === deleted)),
      more: async (last) => {
        const place = () => list.items.findIndex((item) => item.id === last.id);
        if (place() === list.items.length - 1) await list.want(list.items.length + MORE);
        return list.items.slice(place() + 1);
      },
      total: () => list.total,
    });
    if (this.isInSight && list.total > 0) grid.activate(grid.active);
    if (list.fresh.length > 0 && grid.isAtTop) this.#showNew();
  }
}

function remembered() {
  try {
    return Math.max(0, Number.parseInt(sessionStorage.getItem(PLACE), 10) || 0);
  } catch {
    return 0;
  }
}

function remember(place) {
  try {
    sessionStorage.setItem(PLACE, String(place));
  } catch {
    // A browser that stores nothing begins at the top.
  }
}
