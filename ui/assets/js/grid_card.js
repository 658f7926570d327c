/** One grid: how far it is, what can be done with it, and once opened its cells. */
import { address, getJSON, postJSON, send } from "./api.js";
import { button } from "./button.js";
import { confirmed } from "./dialog.js";
import { h, icon } from "./dom.js";
import { openLightbox } from "./lightbox.js";
import { thumbAddress } from "./picture.js";
import { STATUSES } from "./queue_words.js";
import { toast } from "./toast.js";

const THUMB = 128;

export class GridCard {
  #grid = null;
  #cells = new Map();
  #turn = 0;
  #drawn = false;

  /** @param {string} id of the grid */
  constructor(id) {
    this.id = id;
    this.path = `api/grids/${encodeURIComponent(id)}`;
    this.title = h("span", { class: "st-grid-title" });
    this.words = h("span", { class: "st-muted" });
    this.fill = h("span", { class: "st-fill" });
    this.cancel = button("close", "Cancel the rest", () => this.#cancel());
    const link = (path, label, file) => h("a", { class: "st-button st-small", href: address(`${this.path}/${path}`), download: file }, icon("download"), h("span", {}, label));
    this.deeds = h("div", { class: "st-queue-line" },
      link("sheet", "Contact sheet", `grid-${id}.png`), link("cells.csv", "Table", `grid-${id}.csv`), this.cancel,
      button("trash", "Delete", () => this.#delete()));
    this.tables = h("div", { class: "st-grid-tables" });
    this.root = h("details", { class: "st-grid", "data-id": id, ontoggle: () => this.root.open && this.load() },
      h("summary", {}, this.title, this.words, h("span", { class: "st-track" }, this.fill)), this.deeds, this.tables);
  }

  open() {
    this.root.open = true;
  }

  /** @param {Object} grid as the list tells it */
  draw(grid) {
    this.#grid = { ...this.#grid, ...grid };
    this.#drawHead();
    if (this.root.open) this.load();
  }

  /** Ask for the cells and draw them. */
  async load() {
    const mine = (this.#turn += 1);
    try {
      const grid = await getJSON(this.path);
      if (mine !== this.#turn) return;
      this.#grid = grid;
      if (!this.#drawn) this.#drawTables();
      for (const cell of grid.cells) this.#drawCell(cell);
      this.#drawHead();
    } catch (error) {
      if (mine === this.#turn && error.status !== 404) this.tables.replaceChildren(h("p", { class: "st-error" }, error.message));
    }
  }

  /** News of one of its jobs. @param {Object} job @returns {boolean} false if the grid has to be read again */
  take(job) {
    const cell = this.#grid?.cells?.find((each) => each.job_id === job.id);
    if (cell === undefined) return !this.root.open && job.status === "processing";
    // What is under way already has to be asked for again: it may be older than these news.
    this.#turn += 1;
    Object.assign(cell, { status: job.status, progress: job.progress, error: job.error, image_ids: job.image_ids, generation_id: job.generation_id });
    const counts = { pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 };
    for (const each of this.#grid.cells) counts[each.status] += 1;
    this.#grid.counts = counts;
    this.#grid.done = counts.pending + counts.processing === 0;
    this.#drawCell(cell);
    this.#drawHead();
    return true;
  }

  #drawHead() {
    const { title, axes, counts, total, done } = this.#grid;
    const shape = axes.map((axis) => axis.labels.length).join(" × ");
    this.title.textContent = title || axes.map((axis) => axis.parameter).join(" × ");
    const parts = [`${counts.completed} of ${total}`, counts.failed > 0 && `${counts.failed} failed`, counts.cancelled > 0 && `${counts.cancelled} cancelled`];
    this.words.textContent = `${shape} · ${parts.filter(Boolean).join(", ")}`;
    this.fill.style.transform = `scaleX(${(total - counts.pending - counts.processing) / total})`;
    this.cancel.hidden = done;
  }

  #drawTables() {
    this.#drawn = true;
    this.#cells.clear();
    const [x, y, z] = [0, 1, 2].map((index) => this.#grid.axes[index] ?? { parameter: "", labels: [""] });
    const table = (layer) => h("div", { class: "st-grid-scroll", role: "region", tabindex: "0", "aria-label": z.parameter === "" ? "Cells" : `${z.parameter}: ${z.labels[layer]}` },
      h("table", {},
        z.parameter !== "" && h("caption", {}, `${z.parameter}: ${z.labels[layer]}`),
        h("thead", {}, h("tr", {}, y.parameter !== "" && h("td", {}), x.labels.map((label) => head(x, label, "col")))),
        h("tbody", {}, y.labels.map((label, row) => h("tr", {}, y.parameter !== "" && head(y, label, "row"),
          x.labels.map((_, column) => this.#newCell(column, row, layer)))))));
    this.tables.replaceChildren(...z.labels.map((_, layer) => table(layer)));
  }

  #newCell(x, y, z) {
    const cell = h("td", { class: "st-grid-cell" });
    this.#cells.set(`${x} ${y} ${z}`, cell);
    return cell;
  }

  #drawCell(cell) {
    const place = this.#cells.get(`${cell.x} ${cell.y} ${cell.z}`);
    if (place === undefined) return;
    const picture = cell.image_ids[0];
    const shown = `${cell.job_id} ${cell.status} ${picture} ${cell.status === "processing" ? Math.round(cell.progress * 100) : ""}`;
    if (place.dataset.shown === shown) return;
    place.dataset.shown = shown;
    place.dataset.status = cell.status;
    place.replaceChildren(picture === undefined ? this.#empty(cell) : this.#thumb(cell, picture));
  }

  #thumb(cell, id) {
    return h("button", { class: "st-grid-picture", type: "button", "aria-label": `Look at ${this.#place(cell)}`, onclick: () => this.#look(id) },
      h("img", { src: thumbAddress({ id }, THUMB), alt: this.#place(cell), loading: "lazy" }));
  }

  #empty(cell) {
    const words = cell.status === "processing" ? `${Math.round(cell.progress * 100)} %` : (STATUSES[cell.status] ?? cell.status);
    const again = cell.status === "failed" || cell.status === "cancelled";
    return h("div", { class: "st-grid-empty", title: cell.error }, h("span", {}, words),
      again && button("retry", "Try again", () => this.#retry(cell), { words: false, name: `Try ${this.#place(cell)} again` }));
  }

  /** What is special about a cell, in words. */
  #place(cell) {
    return this.#grid.axes.map((axis, index) => `${axis.parameter} ${axis.labels[[cell.x, cell.y, cell.z][index]].slice(0, 80)}`).join(", ");
  }

  #look(id) {
    const ids = this.#grid.cells.flatMap((cell) => cell.image_ids);
    openLightbox(ids.map((each) => ({ id: each })), ids.indexOf(id));
  }

  async #attempt(deed) {
    try {
      await deed();
      return true;
    } catch (error) {
      toast(error.message, "bad");
      return false;
    }
  }

  async #retry(cell) {
    if (await this.#attempt(() => postJSON(`api/queue/${encodeURIComponent(cell.job_id)}/retry`, {}))) await this.load();
  }

  async #cancel() {
    const sure = await confirmed({ title: "Cancel the rest of the grid?", text: "The cells that are done stay.", action: "Cancel the rest", danger: true });
    if (sure && (await this.#attempt(() => postJSON(`${this.path}/cancel`)))) await this.load();
  }

  async #delete() {
    const sure = await confirmed({ title: "Delete the grid?", text: "What is not done is cancelled. Its pictures stay in History.", action: "Delete the grid", danger: true });
    if (sure) await this.#attempt(() => send("DELETE", this.path));
  }
}

function head(axis, label, scope) {
  return h("th", { scope, title: `${axis.parameter}: ${label}` }, h("span", { class: "st-grid-label" }, label));
}
