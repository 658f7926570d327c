/**
 * Where the picture lies on the stage: zoom, pan, and the way from a point on the screen to a picture pixel.
 *
 * `scale` is CSS pixels per picture pixel; `x`, `y` are where the picture's upper left corner lies on the stage.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Sides picture pixels added at each side
 */

const MOST_SCALE = 32;
/** Of a picture larger than the stage, at least this much stays in sight, in CSS pixels. */
const IN_SIGHT = 48;
const MARGIN = 8;
/** From here on single pixels can be told apart, and are shown as they are. */
const PIXELATED_FROM = 3;

export class Viewport {
  #size = { width: 1, height: 1 };
  #sides = { left: 0, top: 0, right: 0, bottom: 0 };
  #fits = true;

  /**
   * @param {HTMLElement} stage the window onto the picture
   * @param {HTMLElement} sheet the picture's and the mask's element, laid out here
   * @param {HTMLElement} frame shows the picture with what is added at its sides
   * @param {function(): void} onchange
   */
  constructor(stage, sheet, frame, onchange) {
    Object.assign(this, { stage, sheet, frame, onchange, scale: 1, x: 0, y: 0 });
    new ResizeObserver(() => (this.#fits ? this.fit() : this.#lay())).observe(stage);
  }

  /** @param {number} width @param {number} height @param {Sides} sides */
  open(width, height, sides) {
    this.#size = { width, height };
    this.#sides = { ...sides };
    this.fit();
  }

  /** @param {Sides} sides */
  extend(sides) {
    this.#sides = { ...sides };
    if (this.#fits) this.fit();
    else this.#lay();
  }

  /** Show everything, the added sides too, as large as fits, but no larger than twice its size. */
  fit() {
    this.#fits = true;
    const { clientWidth, clientHeight } = this.stage;
    if (clientWidth === 0 || clientHeight === 0) return; // a hidden tab; the observer calls again
    const { width, height } = this.#whole;
    this.scale = Math.min((clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height, 2);
    this.#centre();
    this.#lay();
  }

  /** One picture pixel is one CSS pixel, around the stage's middle. */
  actualSize() {
    this.zoomTo(1);
  }

  /**
   * @param {number} factor over 1 enlarges
   * @param {{clientX: number, clientY: number}} [point] stays where it is; else the stage's middle does
   */
  zoomBy(factor, point) {
    this.zoomTo(this.scale * factor, point);
  }

  zoomTo(scale, point) {
    const box = this.stage.getBoundingClientRect();
    const [px, py] = point
      ? [point.clientX - box.left - this.stage.clientLeft, point.clientY - box.top - this.stage.clientTop]
      : [this.stage.clientWidth / 2, this.stage.clientHeight / 2];
    const next = Math.min(MOST_SCALE, Math.max(this.#leastScale, scale));
    this.x = px - ((px - this.x) * next) / this.scale;
    this.y = py - ((py - this.y) * next) / this.scale;
    this.scale = next;
    this.#fits = false;
    this.#lay();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#fits = false;
    this.#lay();
  }

  /** Pan as little as needed to see a picture point with some room around it. */
  reveal({ x, y }) {
    const room = 32;
    const shift = (at, size) => (at < room ? room - at : at > size - room ? size - room - at : 0);
    const dx = shift(this.x + x * this.scale, this.stage.clientWidth);
    const dy = shift(this.y + y * this.scale, this.stage.clientHeight);
    if (dx !== 0 || dy !== 0) this.panBy(dx, dy);
  }

  /**
   * The picture point under a point of the screen, with fractions; measured on the laid-out element, so it is
   * right at any zoom, device pixel ratio or page scale. May lie outside of the picture.
   */
  toPicture({ clientX, clientY }) {
    const box = this.sheet.getBoundingClientRect();
    return {
      x: ((clientX - box.left) * this.#size.width) / box.width,
      y: ((clientY - box.top) * this.#size.height) / box.height,
    };
  }

  /** Where a picture point lies on the stage, in CSS pixels. */
  toStage({ x, y }) {
    return { x: this.x + x * this.scale, y: this.y + y * this.scale };
  }

  get #whole() {
    const { left, top, right, bottom } = this.#sides;
    return { width: this.#size.width + left + right, height: this.#size.height + top + bottom };
  }

  get #leastScale() {
    const { width, height } = this.#whole;
    return Math.min(1, 64 / Math.max(width, height));
  }

  #centre() {
    const { width, height } = this.#whole;
    this.x = (this.stage.clientWidth - width * this.scale) / 2 + this.#sides.left * this.scale;
    this.y = (this.stage.clientHeight - height * this.scale) / 2 + this.#sides.top * this.scale;
  }

  #lay() {
    const { clientWidth, clientHeight } = this.stage;
    if (clientWidth === 0 || clientHeight === 0) return;
    const { left, top } = this.#sides;
    const whole = { width: this.#whole.width * this.scale, height: this.#whole.height * this.scale };
    this.x = kept(this.x - left * this.scale, whole.width, clientWidth) + left * this.scale;
    this.y = kept(this.y - top * this.scale, whole.height, clientHeight) + top * this.scale;
    place(this.sheet, this.x, this.y, this.#size.width * this.scale, this.#size.height * this.scale);
    place(this.frame, this.x - left * this.scale, this.y - top * this.scale, whole.width, whole.height);
    this.frame.classList.toggle("st-painter-extends", Object.values(this.#sides).some((side) => side > 0));
    this.sheet.classList.toggle("st-painter-pixelated", this.scale >= PIXELATED_FROM);
    this.onchange();
  }
}

/** `start` moved so that a length from there stays in sight of a window from 0 to `room`. */
function kept(start, length, room) {
  const least = Math.min(IN_SIGHT, length);
  return Math.min(room - least, Math.max(least - length, start));
}

function place(element, left, top, width, height) {
  const pixels = { left, top, width, height };
  for (const [property, value] of Object.entries(pixels)) element.style.setProperty(property, `${value}px`);
}
