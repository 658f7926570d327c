/** One place of the grid: shows whichever picture it is given, and is used again for another. */
import { h, icon } from "./dom.js";
import { caption, thumbAddress } from "./picture.js";

/** Larger thumbnails take longer than they are worth in a grid. */
const MOST_EDGE = 512;

export class GalleryCell {
  #item = null;
  #waits = false;

  constructor() {
    this.index = -1;
    this.check = h("input", { type: "checkbox", class: "st-cell-check", tabindex: "-1", "aria-label": "Select" });
    this.heart = h("span", { class: "st-cell-heart", hidden: true }, icon("heart"));
    this.image = null;
    this.root = h("div", { class: "st-cell", role: "gridcell", tabindex: "-1" },
      h("label", { class: "st-cell-corner" }, this.check), this.heart);
    // Listeners of the grid find their way from an element to its cell.
    this.root.cell = this;
  }

  /**
   * @param {number} index place in the list, -1 for none
   * @param {Object|undefined} item undefined while it is not loaded
   * @param {{selected: boolean, active: boolean, column: number}} how
   */
  show(index, item = undefined, { selected = false, active = false, column = 0 } = {}) {
    this.index = index;
    this.root.hidden = index === -1;
    this.root.tabIndex = active ? 0 : -1;
    if (index === -1) return;
    this.root.setAttribute("aria-colindex", String(column + 1));
    this.root.setAttribute("aria-selected", String(selected));
    this.root.setAttribute("aria-busy", String(item === undefined));
    this.check.checked = selected;
    this.check.disabled = item === undefined;
    if (item === this.#item) return;
    const isOther = item?.id !== this.#item?.id;
    this.#item = item ?? null;
    this.heart.hidden = !item?.favourite;
    const words = item === undefined ? "Not loaded yet" : `${caption(item)}${item.favourite ? ", favourite" : ""}`;
    this.root.setAttribute("aria-label", words);
    if (item === undefined) this.root.removeAttribute("data-id");
    else this.root.dataset.id = item.id;
    this.root.title = item === undefined ? "" : caption(item, 400);
    if (isOther) this.#forget();
  }

  /** Fetch the picture, if there is one that isn't shown yet. @param {number} edge of the cell, in device pixels */
  fill(edge) {
    if (!this.#waits) return;
    this.#waits = false;
    const item = this.#item;
    const [long, short] = [Math.max(item.width, item.height), Math.min(item.width, item.height)];
    // The cell is filled by the shorter side, a thumbnail's size is that of the longer one.
    const wanted = Math.min(MOST_EDGE, short > 0 ? (edge * long) / short : edge);
    const image = h("img", { class: "st-cell-image", alt: "", decoding: "async", draggable: "true", src: thumbAddress(item, wanted),
      onload: () => image.classList.add("st-cell-loaded"),
      onerror: () => this.root.classList.add("st-cell-broken") });
    this.image = image;
    this.root.prepend(image);
  }

  /** A new element for each picture: an old one would go on showing its picture until the next has come. */
  #forget() {
    if (this.image !== null) {
      this.image.removeAttribute("src"); // gives up a download that is on its way
      this.image.remove();
      this.image = null;
    }
    this.root.classList.remove("st-cell-broken");
    this.#waits = this.#item !== null;
  }
}
