/**
 * The viewer: one picture as large as fits, its settings beside it (below it on a phone), and the arrow keys
 * walk through the list it came from.
 */
import { getJSON } from "./api.js";
import { openCompare } from "./compare.js";
import { sendTo } from "./courier.js";
import { showModal } from "./dialog.js";
import { h, icon } from "./dom.js";
import { percent } from "./format.js";
import { chooseOther } from "./lightbox_choice.js";
import { LightboxPanel } from "./lightbox_panel.js";
import { caption, pictureAddress, thumbAddress } from "./picture.js";
import { deletePictures, mark } from "./picture_deeds.js";
import { replay } from "./replay.js";
import { toast } from "./toast.js";
import { openUpscale } from "./upscale_dialog.js";
import { ZoomStage } from "./zoom_stage.js";

const ZOOM_STEP = 1.3;
const SMALL = 256;
/** Ask for more of the list when so few are left. */
const AHEAD = 5;

/**
 * Show pictures of the library. Items need an id only: what is missing is asked for.
 *
 * @param {Object[]} items as GET /api/library gives them
 * @param {number} index of the first one shown
 * @param {{onChange?: function({item?: Object, deleted?: string}): void, onShow?: function(Object): void,
 *   more?: function(Object): Promise<Object[]>, total?: function(): number}} [options] `onChange` hears of an item that
 *   was marked or deleted; `onShow` of each that is walked to; `more` gives what follows an item in the list,
 *   [] at its end; `total` how many there are, with those not in `items` yet
 * @returns {Promise<void>} kept when it is closed
 */
export function openLightbox(items, index, options = {}) {
  return new Lightbox(items, index, options).open();
}

class Lightbox {
  #closed = false;
  #asking = false;
  /** Marks are set one after the other: of two that overtake each other the older one would stay. */
  #marking = Promise.resolve();

  constructor(items, index, { onChange = () => {}, onShow = () => {}, more = null, total = null }) {
    this.items = [...items];
    this.index = Math.min(Math.max(index, 0), items.length - 1);
    Object.assign(this, { onChange, onShow, more, total: total ?? (() => this.items.length) });
    this.stage = new ZoomStage({ onSwipe: (way) => this.walk(way), onScale: (scale, fits) => this.#showScale(scale, fits) });
    this.panel = new LightboxPanel(this.#deeds(), (tags) => this.#mark({ tags }));
    this.#build();
  }

  get item() {
    return this.items[this.index];
  }

  open() {
    if (this.items.length === 0) return Promise.resolve();
    const closed = showModal(this.dialog).then(() => (this.#closed = true));
    this.#show();
    this.dialog.focus();
    return closed;
  }

  /** @param {number} way -1 to the one before, 1 to the next */
  async walk(way) {
    const next = this.index + way;
    if (next >= this.items.length) await this.#ask();
    if (this.#closed || next < 0 || next >= this.items.length) return;
    this.index = next;
    this.#show();
    this.onShow(this.item);
    if (this.items.length - next <= AHEAD) this.#ask();
  }

  // -- what it is made of ------------------------------------------------------------------------------

  #build() {
    const control = (name, drawing, label, run) => h("button", { class: "st-button st-icon-only", type: "button", "data-control": name,
      "aria-label": label, title: label, onclick: run }, icon(drawing));
    this.place = h("span", { class: "st-lightbox-place", "aria-live": "polite" });
    this.scale = h("button", { class: "st-button st-small st-lightbox-scale", type: "button", title: "Fit to the window (0)",
      "aria-label": "Fit to the window", onclick: () => this.stage.fit() });
    this.love = control("favourite", "heart", "Favourite (F)", () => this.#mark({ favourite: !this.item.favourite }));
    this.before = control("before", "chevron-left", "Picture before (left arrow)", () => this.walk(-1));
    this.next = control("next", "chevron-right", "Next picture (right arrow)", () => this.walk(1));
    this.before.classList.add("st-lightbox-turn", "st-lightbox-before");
    this.next.classList.add("st-lightbox-turn", "st-lightbox-next");
    this.about = control("about", "info", "Settings of the picture (I)", () => this.#togglePanel());
    this.about.setAttribute("aria-pressed", "true");
    const bar = h("header", { class: "st-lightbox-bar" }, this.place, h("span", { class: "st-space" }),
      control("out", "minus", "Smaller (-)", () => this.stage.zoomBy(1 / ZOOM_STEP)), this.scale,
      control("in", "plus", "Larger (+)", () => this.stage.zoomBy(ZOOM_STEP)),
      this.love, this.about, control("close", "close", "Close (Esc)", () => this.dialog.close()));
    this.dialog = h("dialog", { class: "st-element st-lightbox", "aria-label": "Picture viewer", tabindex: "-1",
      onkeydown: (event) => this.#key(event) },
      h("div", { class: "st-lightbox-main" }, bar, h("div", { class: "st-lightbox-window" }, this.stage.root, this.before, this.next)),
      this.panel.root);
  }

  /** Whatever else can be done with one picture one day is one more entry here. */
  #deeds() {
    const send = (tab) => (item) => {
      this.dialog.close();
      sendTo(tab, { image_id: item.id });
    };
    return [
      { name: "txt2img", icon: "settings", label: "Use settings", hint: "Fill txt2img with all settings of this picture", run: send("txt2img") },
      { name: "edit", icon: "brush", label: "Edit", hint: "Paint on this picture and repaint a part of it", run: send("edit") },
      { name: "variations", icon: "dice", label: "Variations", hint: "Make pictures like this one", run: send("variations") },
      { name: "upscale", icon: "expand", label: "Upscale …", hint: "Make this picture larger", run: (item) => openUpscale(item) },
      { name: "again", icon: "retry", label: "Run again exactly", hint: "Put the same job, with the same seed, in the queue, and compare the pixels", run: (item) => this.#runAgain(item) },
      { name: "compare", icon: "swap", label: "Compare …", hint: "Lay another picture over this one", run: () => this.#compare() },
      { name: "delete", icon: "trash", label: "Delete", hint: "Delete this picture (Delete)", run: () => this.#delete(), danger: true },
    ];
  }

  #key(event) {
    // Dialogs that were opened from here are inside of the page, not of this element; fields keep their keys.
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const run = {
      ArrowLeft: () => this.walk(-1), ArrowRight: () => this.walk(1),
      "+": () => this.stage.zoomBy(ZOOM_STEP), "=": () => this.stage.zoomBy(ZOOM_STEP), "-": () => this.stage.zoomBy(1 / ZOOM_STEP),
      0: () => this.stage.fit(), 1: () => this.stage.zoomTo(1),
      f: () => this.love.click(), i: () => this.#togglePanel(), Delete: () => this.#delete(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (run === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }

  // -- showing -------------------------------------------------------------------------------------------

  #show() {
    const { item } = this;
    this.stage.open({ small: thumbAddress(item, SMALL), whole: pictureAddress(item), width: item.width, height: item.height, alt: caption(item) })
      .then(() => this.#preload());
    this.#draw();
    this.#complete(item);
  }

  #draw(parameters = null) {
    const { item } = this;
    const total = Math.max(this.total(), this.items.length);
    this.place.textContent = total === 1 ? "" : `${(this.index + 1).toLocaleString()} of ${total.toLocaleString()}`;
    this.before.disabled = this.index === 0;
    this.next.disabled = this.more === null && this.index === this.items.length - 1;
    this.love.setAttribute("aria-pressed", String(Boolean(item.favourite)));
    this.panel.show(item, parameters);
  }

  /** What the list doesn't tell: the settings as text, and everything for an item of which only the id is known. */
  async #complete(item) {
    try {
      const full = await getJSON(`${pictureAddress(item)}/info`);
      if (this.#closed || this.item?.id !== full.id) return;
      this.items[this.index] = { ...this.item, ...full };
      this.#draw(full.parameters ?? null);
    } catch (error) {
      if (!this.#closed && this.item === item) this.panel.say(error.message, true);
    }
  }

  /** The neighbours, so that the next step shows at once. */
  #preload() {
    if (this.#closed) return;
    for (const neighbour of [this.items[this.index + 1], this.items[this.index - 1]]) {
      if (neighbour !== undefined) new Image().src = pictureAddress(neighbour);
    }
  }

  async #ask() {
    if (this.more === null || this.#asking) return;
    this.#asking = true;
    try {
      const further = await this.more(this.items.at(-1));
      const known = new Set(this.items.map((item) => item.id));
      this.items.push(...further.filter((item) => !known.has(item.id)));
      if (further.length === 0) this.more = null;
      if (!this.#closed) this.#draw(this.panel.parameters);
    } catch (error) {
      this.panel.say(error.message, true);
    } finally {
      this.#asking = false;
    }
  }

  #showScale(scale, fits) {
    this.scale.textContent = percent(scale);
    this.scale.setAttribute("aria-pressed", String(fits));
  }

  #togglePanel() {
    const hidden = this.dialog.classList.toggle("st-lightbox-alone");
    this.about.setAttribute("aria-pressed", String(!hidden));
  }

  // -- doing -----------------------------------------------------------------------------------------------

  #mark(marks) {
    const { id } = this.item;
    this.#marking = this.#marking.then(() => this.#markNow(id, marks));
  }

  async #markNow(id, marks) {
    try {
      const marked = await mark(id, marks);
      const place = this.items.findIndex((other) => other.id === id);
      if (place !== -1) this.items[place] = { ...this.items[place], ...marked };
      this.onChange({ item: marked });
    } catch (error) {
      this.panel.say(error.message, true);
      if (this.item?.id === id) this.panel.tags.show(this.item.tags ?? []);
    }
    if (!this.#closed && this.item.id === id) this.#draw(this.panel.parameters);
  }

  async #runAgain(item) {
    const say = (text, isBad) => {
      if (!this.#closed && this.item?.id === item.id) this.panel.say(text, isBad);
      else toast(text, isBad ? "bad" : "plain");
    };
    try {
      await replay(item, say);
    } catch (error) {
      say(error.message, true);
    }
  }

  async #compare() {
    const other = await chooseOther(this.items, this.index);
    if (other !== null && !this.#closed) await openCompare(this.item, other);
  }

  async #delete() {
    const { item } = this;
    try {
      const gone = await deletePictures([item]);
      if (!gone.includes(item.id)) return;
    } catch (error) {
      this.panel.say(error.message, true);
      return;
    }
    this.items = this.items.filter((other) => other.id !== item.id);
    this.onChange({ deleted: item.id });
    if (this.items.length === 0) {
      this.dialog.close();
      return;
    }
    this.index = Math.min(this.index, this.items.length - 1);
    this.#show();
    this.onShow(this.item);
  }
}
