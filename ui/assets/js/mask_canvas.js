/**
 * The mask over a picture: what is painted, its steps back and forth, and the canvas that shows it.
 *
 * The bits (mask_bits.js) are the truth; the canvas only shows them, and nothing is ever read back from it.
 */
import { h } from "./dom.js";
import { MaskBits } from "./mask_bits.js";
import { encodePng, toDataURL } from "./mask_png.js";

/** Most bytes kept for undo and redo together; a stroke costs the bits of the rows it touched. */
export const HISTORY_BYTES = 128 * 2 ** 20;
/** Largest mask file, in pixels; a decoded picture needs four bytes for each. */
const MOST_FILE_PIXELS = 64e6;

export class MaskCanvas {
  #bits = new MaskBits(1, 1);
  #undo = [];
  #redo = [];
  #stroke = null;
  #stale = null;
  #frame = 0;
  #address = { revision: -1, text: null };

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {function(): void} onchange called after each change that is complete (a stroke at its end)
   */
  constructor(canvas, onchange) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.onchange = onchange;
    /** Red, green, blue of painted pixels, as shown; how far they cover the picture is CSS. */
    this.colour = [38, 240, 170];
    /** Grows with every change of a pixel, also within a stroke. */
    this.revision = 0;
  }

  get width() {
    return this.#bits.width;
  }

  get height() {
    return this.#bits.height;
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  get canRedo() {
    return this.#redo.length > 0;
  }

  get isPainting() {
    return this.#stroke !== null;
  }

  /** An empty mask for a picture of that size, or one like `pixels` (see `decoded`), without history. */
  open(width, height, pixels = null) {
    this.#bits = new MaskBits(width, height);
    if (pixels !== null) this.#bits.setFrom(pixels);
    this.#undo = [];
    this.#redo = [];
    this.#stroke = null;
    this.canvas.width = width;
    this.canvas.height = height;
    this.#touch(this.#bits.box);
  }

  // Strokes: begin, any number of lines, then end or cancel.

  /** @param {{x: number, y: number}} point in picture pixels @param {number} diameter @param {boolean} paints */
  begin(point, diameter, paints) {
    this.#stroke = { before: this.#bits.bytes.slice(), at: point, radius: diameter / 2, paints, top: Infinity, bottom: 0 };
    this.lineTo(point);
  }

  lineTo(point) {
    const stroke = this.#stroke;
    const { at, radius, paints } = stroke;
    const changed = this.#bits.sweep(at.x, at.y, point.x, point.y, radius, paints);
    stroke.at = point;
    if (changed === null) return;
    stroke.top = Math.min(stroke.top, changed.top);
    stroke.bottom = Math.max(stroke.bottom, changed.bottom);
    this.#touch(changed);
  }

  end() {
    const { before, top, bottom } = this.#stroke;
    this.#stroke = null;
    if (top >= bottom) return;
    const { stride } = this.#bits;
    this.#remember({ top, rows: before.slice(top * stride, bottom * stride) });
    this.onchange();
  }

  /** Take the stroke back as if it had never begun: a second finger turned it into a pinch. */
  cancel() {
    if (this.#stroke === null) return;
    this.#bits.bytes.set(this.#stroke.before);
    this.#stroke = null;
    this.#touch(this.#bits.box);
  }

  // Whole-mask steps.

  clear() {
    this.#step((bits) => bits.setAll(false));
  }

  fill() {
    this.#step((bits) => bits.setAll(true));
  }

  invert() {
    this.#step((bits) => bits.invert());
  }

  /** Replace the mask by the one in a picture file. Throws an Error with a sentence if there is none. */
  async load(file) {
    const ground = this.#bits;
    const pixels = await decoded(file);
    // Another picture may have been opened meanwhile; the file was meant for this one.
    if (ground === this.#bits) this.#step((bits) => bits.setFrom(pixels));
  }

  /** @param {number[]} colour red, green, blue, 0 to 255 each */
  setColour(colour) {
    this.colour = colour;
    this.#show(this.#bits.box);
  }

  undo() {
    this.#exchange(this.#undo, this.#redo);
  }

  redo() {
    this.#exchange(this.#redo, this.#undo);
  }

  // What others get.

  /** The painted part of the picture, 0 to 1. */
  get painted() {
    return this.#bits.count() / (this.width * this.height);
  }

  /** The mask as a PNG's data address, or null if nothing is painted. */
  toDataURL() {
    if (this.#address.revision !== this.revision) {
      const text = this.#bits.count() === 0 ? null : toDataURL(encodePng(this.#bits, 1));
      this.#address = { revision: this.revision, text };
    }
    return this.#address.text;
  }

  /** Download the mask as a PNG file of eight bits a pixel, which every program reads. */
  save() {
    const href = URL.createObjectURL(new Blob([encodePng(this.#bits, 8)], { type: "image/png" }));
    h("a", { href, download: `mask-${this.width}x${this.height}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }

  #step(change) {
    if (this.isPainting) this.end();
    const rows = this.#bits.bytes.slice();
    change(this.#bits);
    this.#remember({ top: 0, rows });
    this.#touch(this.#bits.box);
    this.onchange();
  }

  #remember(step) {
    this.#undo.push(step);
    this.#redo = [];
    let bytes = this.#undo.reduce((sum, { rows }) => sum + rows.length, 0);
    while (bytes > HISTORY_BYTES) bytes -= this.#undo.shift().rows.length;
  }

  /** Swap the newest step's rows with the present ones and lay them on the other pile. */
  #exchange(from, to) {
    if (this.isPainting || from.length === 0) return;
    const { top, rows } = from.pop();
    const { bytes, stride, width } = this.#bits;
    to.push({ top, rows: bytes.slice(top * stride, top * stride + rows.length) });
    bytes.set(rows, top * stride);
    this.#touch({ left: 0, top, right: width, bottom: top + rows.length / stride });
    this.onchange();
  }

  /** The bits of a box changed. */
  #touch(box) {
    this.revision += 1;
    this.#show(box);
  }

  /** Draw a box with the next frame; boxes of the same frame become one. */
  #show(box) {
    const old = this.#stale;
    this.#stale = old === null ? box : {
      left: Math.min(old.left, box.left), top: Math.min(old.top, box.top),
      right: Math.max(old.right, box.right), bottom: Math.max(old.bottom, box.bottom),
    };
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const { left, top, right, bottom } = this.#stale;
    this.#stale = null;
    const end = { right: Math.min(right, this.width), bottom: Math.min(bottom, this.height) };
    if (left >= end.right || top >= end.bottom) return;
    this.context.putImageData(this.#bits.toImageData({ left, top, ...end }, this.colour), left, top);
  }
}

/**
 * The pixels of a picture file as they are in it: no colour management, no rotation left to do.
 *
 * @param {Blob} file
 * @returns {Promise<ImageData>} throws an Error with a sentence if it is no mask to use
 */
export async function decoded(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("That file is not a picture this browser can read. Choose a mask as PNG.");
  }
  try {
    if (bitmap.width * bitmap.height > MOST_FILE_PIXELS) {
      throw new Error(`That mask has ${bitmap.width}×${bitmap.height} pixels, more than 64 million. Make it smaller.`);
    }
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}
