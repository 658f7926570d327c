/** The grids, newest first, above the queue: each as a table that fills while its jobs are done. */
import { getJSON } from "./api.js";
import { button } from "./button.js";
import { h } from "./dom.js";
import { subscribe } from "./events.js";
import { GridCard } from "./grid_card.js";
import { lastMade } from "./grid_made.js";

const PAGE = 10;
const JOB_NEWS = new Set(["job_updated", "job_completed", "job_failed", "job_cancelled"]);
/** News that come in a row are one reason to ask again. */
const PAUSE_MS = 150;

/** @param {{element: HTMLElement}} component */
export function mount({ element }) {
  const board = new GridsBoard();
  element.replaceChildren(board.root);
  subscribe((name, data) => board.hear(name, data));
  board.load();
}

class GridsBoard {
  #cards = new Map();
  #timer = 0;
  #turn = 0;

  constructor() {
    this.shown = PAGE;
    this.count = h("span", { class: "st-muted" });
    this.list = h("div", { class: "st-grids" });
    this.more = button("chevron-down", "Show more grids", () => {
      this.shown += PAGE;
      this.load();
    });
    this.root = h("section", { class: "st-queue st-grids-part", "aria-label": "Grids", hidden: true }, h("h2", {}, "Grids ", this.count), this.list, this.more);
  }

  hear(name, data) {
    const isNew = name === "caught_up" || name === "grids_changed" || (name === "state" && data.fresh);
    const card = JOB_NEWS.has(name) ? this.#cards.get(data.job.batch_id) : undefined;
    if (card !== undefined && !card.take(data.job)) card.load();
    // A job of a grid that the list hasn't got may belong to one beyond its end: only news of grids tell.
    if (isNew) this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), PAUSE_MS);
  }

  async load() {
    const mine = (this.#turn += 1);
    let grids;
    try {
      // One more than is shown tells whether there are more.
      grids = await getJSON(`api/grids?limit=${Math.min(this.shown + 1, 100)}`);
    } catch {
      return; // the pulse says that the studio is away; when it is back, news come
    }
    if (mine !== this.#turn) return;
    const shown = grids.slice(0, this.shown);
    const kept = new Map(shown.map((grid) => [grid.id, this.#cards.get(grid.id) ?? new GridCard(grid.id)]));
    // The one this tab asked for, also when the queue is looked at for the first time; else one at work.
    const opens = (grid, index) => !this.#cards.has(grid.id) && (grid.id === lastMade() || (index === 0 && !grid.done));
    const opened = shown.find(opens);
    this.#cards = kept;
    shown.forEach((grid, index) => {
      const card = kept.get(grid.id);
      card.draw(grid);
      if (grid === opened) card.open();
      if (this.list.children[index] !== card.root) this.list.insertBefore(card.root, this.list.children[index] ?? null);
    });
    while (this.list.children.length > shown.length) this.list.lastChild.remove();
    this.more.hidden = grids.length <= this.shown;
    this.count.textContent = shown.length.toLocaleString();
    this.root.hidden = shown.length === 0;
  }
}
