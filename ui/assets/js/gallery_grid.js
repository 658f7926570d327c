/**
 * A grid of as many rows as there are pictures, of which only those near the window exist: rows that leave at
 * one side are used again at the other. The height is the whole list's, so the scroll bar tells the truth.
 */
import { h, on } from "./dom.js";
import { GalleryCell } from "./gallery_cell.js";

const GAP = 8;
/** Rows kept on each side of the window. */
const SPARE = 2;
/** A cell's least width in CSS pixels, and the least number of columns. */
const LEAST = { phone: 104, desk: 168, columns: 3 };
const PHONE = 560;
/** Pictures are fetched when scrolling was slower than this, in windows per frame, or has paused. */
const FAST = 0.6;
const PAUSE_MS = 90;

export class GalleryGrid {
  #rows = new Map();
  #free = [];
  #columns = 0;
  #cell = 0;
  #frame = 0;
  #settling = 0;
  #top = 0;
  #count = 0;

  /**
   * @param {{itemAt: function(number): Object|undefined, isSelected: function(Object): boolean,
   *   onWindow: function(number, number): void, onScroll: function(): void}} source `onWindow` hears which
   *   places are in sight
   */
  constructor(source) {
    this.source = source;
    this.active = 0;
    this.sheet = h("div", { class: "st-grid", role: "grid", "aria-label": "Pictures", "aria-multiselectable": "true" });
    this.root = h("div", { class: "st-gallery-scroll" }, this.sheet);
    on(this.root, "scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.root);
  }

  get columns() {
    return Math.max(1, this.#columns);
  }

  /** Rows that fit into the window. */
  get rowsInSight() {
    return this.#cell === 0 ? 1 : Math.max(1, Math.floor(this.root.clientHeight / (this.#cell + GAP)));
  }

  /** The first place in sight. */
  get top() {
    return this.#cell === 0 ? 0 : Math.round(this.#top / (this.#cell + GAP)) * this.#columns;
  }

  get isAtTop() {
    return this.#top < this.#cell / 2;
  }

  /** Draw the list as it is now. @param {number} count places, loaded or not */
  draw(count) {
    this.#count = count;
    this.active = Math.max(0, Math.min(this.active, count - 1));
    this.sheet.setAttribute("aria-rowcount", String(Math.ceil(count / this.columns)));
    this.sheet.setAttribute("aria-colcount", String(this.columns));
    this.#layHeight();
    this.#render();
  }

  /** Scroll so that a place is the first in sight. @param {number} index */
  scrollTo(index) {
    this.#top = Math.floor(index / this.columns) * (this.#cell + GAP);
    this.root.scrollTop = this.#top;
    this.#top = this.root.scrollTop;
    this.#render();
  }

  /** Keep what is in sight where it is although `count` places came before it. */
  shift(count) {
    this.active += count;
    this.scrollTo(this.top + count);
  }

  /** Make a place the one the keys act on, and bring it in sight. @param {number} index @param {boolean} focus */
  activate(index, focus = true) {
    if (this.#count === 0) return;
    this.active = Math.max(0, Math.min(index, this.#count - 1));
    const from = Math.floor(this.active / this.columns) * (this.#cell + GAP);
    const room = this.root.clientHeight;
    const scroll = this.root.scrollTop;
    if (from < scroll) this.root.scrollTop = from;
    else if (from + this.#cell > scroll + room) this.root.scrollTop = from + this.#cell - room + GAP;
    this.#top = this.root.scrollTop;
    this.#render();
    if (focus) this.#cellAt(this.active)?.root.focus({ preventScroll: true });
  }

  /** @param {EventTarget} target @returns {GalleryCell|null} the cell an event happened in */
  cellOf(target) {
    const root = target instanceof Element ? target.closest(".st-cell") : null;
    return root !== null && this.sheet.contains(root) && root.cell.index !== -1 ? root.cell : null;
  }

  #cellAt(index) {
    return this.#rows.get(Math.floor(index / this.columns))?.cells[index % this.columns];
  }

  #scrolled() {
    if (this.root.clientHeight === 0) return; // a hidden tab forgets its scroll position: this one is kept here
    const moved = Math.abs(this.root.scrollTop - this.#top);
    this.#top = this.root.scrollTop;
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#render(moved > FAST * this.root.clientHeight);
        this.source.onScroll();
      });
    }
  }

  #resized() {
    const width = this.sheet.clientWidth;
    if (width === 0) return; // the tab is hidden
    const least = width < PHONE ? LEAST.phone : LEAST.desk;
    const columns = Math.max(LEAST.columns, Math.floor((width + GAP) / (least + GAP)));
    const cell = (width - GAP * (columns - 1)) / columns;
    if (columns !== this.#columns || cell !== this.#cell) {
      const first = this.top;
      if (columns !== this.#columns) this.#clear();
      this.#columns = columns;
      this.#cell = cell;
      this.sheet.style.setProperty("--cell", `${cell}px`);
      this.sheet.style.setProperty("--columns", String(columns));
      this.#top = Math.floor(first / columns) * (cell + GAP);
    }
    this.draw(this.#count);
    if (this.root.scrollTop !== this.#top) this.root.scrollTop = this.#top;
    this.#render();
  }

  #layHeight() {
    const rows = Math.ceil(this.#count / this.columns);
    this.sheet.style.setProperty("height", `${Math.max(0, rows * (this.#cell + GAP) - GAP)}px`);
  }

  #render(isFast = false) {
    if (this.#cell === 0 || this.root.clientHeight === 0) return;
    const height = this.#cell + GAP;
    const last = Math.ceil(this.#count / this.#columns) - 1;
    const from = Math.max(0, Math.floor(this.#top / height) - SPARE);
    const to = Math.min(last, Math.floor((this.#top + this.root.clientHeight) / height) + SPARE);
    this.#keepActiveWithin(from, to);
    for (const [number, row] of this.#rows) {
      // The row with the focus stays: an element that goes away takes the focus with it.
      if ((number < from || number > to) && !row.root.contains(document.activeElement)) this.#release(number, row);
      else if (number > last) this.#release(number, row);
    }
    for (let number = from; number <= to; number += 1) if (!this.#rows.has(number)) this.#take(number);
    for (const [number, row] of this.#rows) this.#bind(number, row);
    this.source.onWindow(from * this.#columns, (to + 1) * this.#columns - 1);
    clearTimeout(this.#settling);
    if (isFast) this.#settling = setTimeout(() => this.#fill(), PAUSE_MS);
    else this.#fill();
  }

  /** The one place the Tab key comes to is on the page, wherever the wheel went since. */
  #keepActiveWithin(from, to) {
    const row = Math.floor(this.active / this.#columns);
    if ((row >= from && row <= to) || this.sheet.contains(document.activeElement)) return;
    this.active = Math.min(this.top, Math.max(0, this.#count - 1));
  }

  #fill() {
    const edge = this.#cell * Math.min(window.devicePixelRatio, 2);
    for (const row of this.#rows.values()) for (const cell of row.cells) if (cell.index !== -1) cell.fill(edge);
  }

  #bind(number, row) {
    row.cells.forEach((cell, column) => {
      const index = number * this.#columns + column;
      const item = this.source.itemAt(index);
      cell.show(index < this.#count ? index : -1, item, {
        selected: item !== undefined && this.source.isSelected(item), active: index === this.active, column,
      });
    });
  }

  #take(number) {
    const row = this.#free.pop() ?? this.#newRow();
    row.root.style.setProperty("transform", `translateY(${number * (this.#cell + GAP)}px)`);
    row.root.setAttribute("aria-rowindex", String(number + 1));
    // In the order of the list, which is how screen readers read it.
    const following = Math.min(...[...this.#rows.keys()].filter((other) => other > number));
    this.sheet.insertBefore(row.root, this.#rows.get(following)?.root ?? null);
    this.#rows.set(number, row);
  }

  #newRow() {
    const cells = Array.from({ length: this.#columns }, () => new GalleryCell());
    return { root: h("div", { class: "st-grid-row", role: "row" }, cells.map((cell) => cell.root)), cells };
  }

  #release(number, row) {
    this.#rows.delete(number);
    row.root.remove();
    for (const cell of row.cells) cell.show(-1);
    this.#free.push(row);
  }

  #clear() {
    for (const row of this.#rows.values()) row.root.remove();
    this.#rows.clear();
    this.#free = [];
  }
}
