/**
 * A window onto one picture: fits it, zooms it around a point and moves it, by wheel, fingers, mouse or calls.
 *
 * `scale` is CSS pixels per picture pixel; `x`, `y` are where the picture's upper left corner lies in the window.
 */
import { h, on } from "./dom.js";

const MARGIN = 12;
/** Small pictures are enlarged to fit, but not without limit: at 4 they are still pictures, not squares. */
const MOST_FIT = 4;
const MOST_SCALE = 24;
/** From here on, and beyond what fits, single pixels are shown as they are. */
const PIXELATED_FROM = 5;
const WHEEL_SPEED = 0.0016;
const LINE = 32;
const DOUBLE_CLICK = 2.5;
/** A finger that went this far sideways, in CSS pixels, turned the page. */
const SWIPE = 56;

export class ZoomStage {
  #size = { width: 1, height: 1 };
  #fits = true;
  #pointers = new Map();
  #start = null;
  #shown = 0;

  /**
   * @param {{onSwipe: function(number): void, onScale: function(number, boolean): void}} heard -1 for the one
   *   before, 1 for the next; scale and whether all of the picture is in sight
   */
  constructor(heard) {
    this.heard = heard;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.image = h("img", { class: "st-zoom-image", alt: "", draggable: "false" });
    this.fault = h("p", { class: "st-zoom-fault", role: "status", hidden: true });
    this.root = h("div", { class: "st-zoom" }, this.image, this.fault);
    new ResizeObserver(() => (this.#fits ? this.fit() : this.#lay())).observe(this.root);
    this.#listen();
  }

  /**
   * Show a picture: the small file at once, the whole one as soon as it can be painted.
   *
   * @param {{small: string, whole: string, width: number, height: number, alt: string}} picture in pixels
   */
  async open({ small, whole, width, height, alt }) {
    const turn = (this.#shown += 1);
    this.fault.hidden = true;
    this.#resize(width, height);
    this.image.alt = alt;
    this.image.hidden = false;
    this.image.src = small;
    const loader = new Image();
    loader.src = whole;
    try {
      await loader.decode();
      if (turn !== this.#shown) return;
      this.image.src = whole;
      this.#resize(loader.naturalWidth, loader.naturalHeight);
    } catch {
      if (turn !== this.#shown) return;
      this.fault.textContent = "The picture's file could not be loaded. It may have been deleted.";
      this.fault.hidden = false;
      this.image.hidden = true;
    }
  }

  /** All of it in sight. */
  fit() {
    this.#fits = true;
    this.scale = this.#fitScale;
    this.#lay();
  }

  /** @param {number} factor over 1 enlarges @param {{x: number, y: number}} [point] of the window; stays put */
  zoomBy(factor, point) {
    this.zoomTo(this.scale * factor, point);
  }

  zoomTo(scale, point = { x: this.root.clientWidth / 2, y: this.root.clientHeight / 2 }) {
    const least = Math.min(this.#fitScale, 1);
    const next = Math.min(MOST_SCALE, Math.max(least, scale));
    this.x = point.x - ((point.x - this.x) * next) / this.scale;
    this.y = point.y - ((point.y - this.y) * next) / this.scale;
    this.scale = next;
    this.#fits = Math.abs(next - this.#fitScale) < 1e-6;
    this.#lay();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#lay();
  }

  get #fitScale() {
    const { width, height } = this.#size;
    return Math.min((this.root.clientWidth - 2 * MARGIN) / width, (this.root.clientHeight - 2 * MARGIN) / height, MOST_FIT);
  }

  #resize(width, height) {
    if (!(width > 0 && height > 0)) return; // not known yet: the whole file tells
    const isSame = this.#size.width === width && this.#size.height === height;
    this.#size = { width, height };
    this.image.style.setProperty("width", `${width}px`);
    this.image.style.setProperty("height", `${height}px`);
    if (!isSame || this.#fits) this.fit();
  }

  #lay() {
    const { clientWidth, clientHeight } = this.root;
    if (clientWidth === 0 || clientHeight === 0) return; // not on the page yet; the observer calls again
    this.x = kept(this.x, this.#size.width * this.scale, clientWidth);
    this.y = kept(this.y, this.#size.height * this.scale, clientHeight);
    this.image.style.setProperty("transform", `translate(${this.x}px, ${this.y}px) scale(${this.scale})`);
    this.root.classList.toggle("st-zoom-in", this.scale > this.#fitScale * 1.001);
    this.root.classList.toggle("st-zoom-pixels", this.scale >= PIXELATED_FROM && !this.#fits);
    this.heard.onScale(this.scale, this.#fits);
  }

  // -- wheel, mouse and fingers ----------------------------------------------------------------------

  #listen() {
    on(this.root, "wheel", (event) => {
      event.preventDefault();
      const delta = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE : event.deltaY;
      // A pinch on a touchpad arrives as a wheel with Ctrl, in smaller steps.
      this.zoomBy(Math.exp(-delta * WHEEL_SPEED * (event.ctrlKey ? 6 : 1)), this.#inWindow(event));
    }, { passive: false });
    on(this.root, "dblclick", (event) => {
      if (this.#fits) this.zoomTo(Math.max(1, this.#fitScale * DOUBLE_CLICK), this.#inWindow(event));
      else this.fit();
    });
    on(this.root, "pointerdown", (event) => this.#down(event));
    on(this.root, "pointermove", (event) => this.#move(event));
    on(this.root, "pointerup pointercancel", (event) => this.#up(event));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#start = this.#pointers.size === 1 ? { x: event.clientX, y: event.clientY, at: this.#fits } : null;
    this.root.setPointerCapture(event.pointerId);
    this.root.classList.add("st-zoom-held");
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (other !== undefined) {
      const box = this.root.getBoundingClientRect();
      const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
      const apart = Math.hypot(before.x - other.x, before.y - other.y);
      // Each of the two fingers moves the point between them by half its way.
      this.panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
      if (apart > 0) this.zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / apart, middle);
    } else if (!this.#fits) {
      this.panBy(now.x - before.x, now.y - before.y);
    }
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 0) this.root.classList.remove("st-zoom-held");
    const start = this.#start;
    this.#start = null;
    if (event.type === "pointercancel" || start === null || !start.at || event.pointerType === "mouse") return;
    const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
    if (Math.abs(dx) >= SWIPE && Math.abs(dx) > 2 * Math.abs(dy)) this.heard.onSwipe(dx < 0 ? 1 : -1);
  }

  #inWindow({ clientX, clientY }) {
    const box = this.root.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  }
}

/** Where a length begins in a window: in the middle if it fits, else so that no gap shows. */
function kept(start, length, room) {
  if (length <= room) return (room - length) / 2;
  return Math.min(0, Math.max(room - length, start));
}
