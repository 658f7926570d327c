/**
 * Mouse, pen and fingers on the stage: strokes, panning, pinching, and the circle that shows the brush.
 *
 * The left button, a pen or one finger paints (a pen's other end erases); the middle button, or the left one
 * with the space bar held, pans; two fingers pan and zoom; the wheel with Ctrl zooms.
 */
import { on } from "./dom.js";

const PEN_ERASER = 5;
const MIDDLE = 1;
/** How much a wheel's pixel zooms; a notch is about 100 of them. */
const WHEEL_ZOOM = 0.0025;

/**
 * @typedef {object} Brush what a stroke needs to know
 * @property {number} size diameter in picture pixels
 * @property {boolean} erases
 */

export class PainterPointer {
  #stroke = null;
  #pan = null;
  #fingers = new Map();
  #last = null;

  /**
   * @param {{stage: HTMLElement, circle: HTMLElement}} elements
   * @param {import("./viewport.js").Viewport} viewport
   * @param {import("./mask_canvas.js").MaskCanvas} mask
   * @param {Brush} brush
   */
  constructor({ stage, circle }, viewport, mask, brush) {
    Object.assign(this, { stage, circle, viewport, mask, brush, enabled: false, spaceHeld: false });
    on(stage, "pointerdown", (event) => this.#down(event));
    on(stage, "pointermove", (event) => this.#move(event));
    on(stage, "pointerup pointercancel", (event) => this.#up(event));
    on(stage, "pointerleave", () => this.hideCircle());
    on(stage, "wheel", (event) => this.#wheel(event), { passive: false });
    // A middle click would start the browser's own scrolling; a long press its menu.
    on(stage, "mousedown", (event) => event.button === MIDDLE && this.enabled && event.preventDefault());
    on(stage, "contextmenu", (event) => this.#fingers.size > 0 && event.preventDefault());
  }

  get isOverStage() {
    return this.#last !== null;
  }

  /** The space bar: while held, dragging pans. */
  holdSpace(held) {
    this.spaceHeld = held;
    this.stage.classList.toggle("st-painter-grab", held);
    if (held) this.circle.hidden = true;
    else if (this.#last) this.showCircle(this.#last);
  }

  /** The brush's outline around a point of the screen, as large as it will paint. */
  showCircle(point) {
    const box = this.stage.getBoundingClientRect();
    this.#drawCircle(point.clientX - box.left - this.stage.clientLeft, point.clientY - box.top - this.stage.clientTop);
  }

  /** The same around a picture point, for those who paint with the keyboard. */
  showCircleAt(point) {
    const { x, y } = this.viewport.toStage(point);
    this.#drawCircle(x, y);
  }

  /** After the brush's size or the zoom changed. */
  refreshCircle() {
    if (this.#last && !this.circle.hidden) this.showCircle(this.#last);
  }

  hideCircle() {
    this.#last = null;
    this.circle.hidden = true;
  }

  #drawCircle(x, y) {
    const diameter = Math.max(3, this.brush.size * this.viewport.scale);
    this.circle.hidden = !this.enabled;
    const style = { left: `${x}px`, top: `${y}px`, width: `${diameter}px`, height: `${diameter}px` };
    for (const [property, value] of Object.entries(style)) this.circle.style.setProperty(property, value);
    this.circle.classList.toggle("st-painter-erases", this.brush.erases);
  }

  #down(event) {
    if (!this.enabled || event.target.closest("button, a, input")) return;
    if (event.pointerType === "touch") {
      if (this.#stroke?.isPen) return; // the hand that holds the pen
      this.#fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
      this.stage.setPointerCapture(event.pointerId);
      if (this.#fingers.size > 1) {
        this.mask.cancel();
        this.#stroke = null;
        return;
      }
    }
    if (event.button === MIDDLE || (this.spaceHeld && event.button === 0)) this.#startPan(event);
    else if (event.button === 0 || event.button === PEN_ERASER) this.#startStroke(event);
  }

  #startPan(event) {
    this.stage.setPointerCapture(event.pointerId);
    this.#pan = { id: event.pointerId, at: event };
    this.stage.classList.add("st-painter-grabbing");
    this.circle.hidden = true;
  }

  #startStroke(event) {
    if (this.#stroke !== null || this.#pan !== null) return;
    this.stage.setPointerCapture(event.pointerId);
    this.#stroke = { id: event.pointerId, isPen: event.pointerType === "pen" };
    const erases = this.brush.erases || event.button === PEN_ERASER;
    this.mask.begin(this.viewport.toPicture(event), this.brush.size, !erases);
  }

  #move(event) {
    if (!this.enabled) return;
    if (event.pointerType !== "touch") this.#last = { clientX: event.clientX, clientY: event.clientY };
    if (this.#fingers.size > 1 && this.#fingers.has(event.pointerId)) {
      this.#pinch(event);
    } else if (this.#pan?.id === event.pointerId) {
      this.viewport.panBy(event.clientX - this.#pan.at.clientX, event.clientY - this.#pan.at.clientY);
      this.#pan.at = event;
      return;
    } else if (this.#stroke?.id === event.pointerId && this.mask.isPainting) {
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const point of passed.length > 0 ? passed : [event]) this.mask.lineTo(this.viewport.toPicture(point));
    }
    if (event.pointerType !== "touch" && !this.spaceHeld) this.showCircle(event);
  }

  /** The picture point between the fingers stays between them. */
  #pinch(event) {
    const before = spread(this.#fingers);
    this.#fingers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    const after = spread(this.#fingers);
    this.viewport.panBy(after.clientX - before.clientX, after.clientY - before.clientY);
    if (before.apart > 0 && after.apart > 0) this.viewport.zoomBy(after.apart / before.apart, after);
  }

  #up(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#pan?.id === event.pointerId) {
      this.#pan = null;
      this.stage.classList.remove("st-painter-grabbing");
    }
    if (this.#stroke?.id === event.pointerId) {
      this.#stroke = null;
      if (this.mask.isPainting) this.mask.end();
    }
  }

  #wheel(event) {
    if (!this.enabled || !(event.ctrlKey || event.metaKey)) return; // without Ctrl the page scrolls
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 33 : event.deltaY;
    this.viewport.zoomBy(Math.exp(-pixels * WHEEL_ZOOM), event);
    this.refreshCircle();
  }
}

/** The middle of the first two fingers and how far they are apart. */
function spread(fingers) {
  const [a, b] = fingers.values();
  return {
    clientX: (a.clientX + b.clientX) / 2,
    clientY: (a.clientY + b.clientY) / 2,
    apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
  };
}
