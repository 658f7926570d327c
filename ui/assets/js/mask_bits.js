/**
 * A mask as it is stored: one bit a pixel, 1 repaints. No screen, no page: only the bits.
 *
 * A row starts at a whole byte with its leftmost pixel in the highest bit, as a PNG of one bit depth has it;
 * the spare bits at a row's end stay 0. 6000x4000 pixels take 3 MB, so a copy before each stroke is cheap.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box whole pixels, right and bottom
 *   excluded
 */

/**
 * Where a pixel is asked whether the brush covers it: a hair right of and below its centre, so that of two
 * pixels that a brush's border just touches only one is painted, and a line is as thick as its brush.
 */
const MIDDLE = 0.5 + 1 / 4096;

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let bits = byte; bits; bits &= bits - 1) count += 1;
  return count;
});

export class MaskBits {
  /** An empty mask. @param {number} width @param {number} height pixels */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    /** Bytes a row. */
    this.stride = (width + 7) >> 3;
    this.bytes = new Uint8Array(this.stride * height);
  }

  /** @returns {Box} */
  get box() {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  /** How many pixels are painted. */
  count() {
    let count = 0;
    for (let i = 0; i < this.bytes.length; i += 1) count += ONES[this.bytes[i]];
    return count;
  }

  /** @param {number} x @param {number} y @returns {boolean} */
  has(x, y) {
    return (this.bytes[y * this.stride + (x >> 3)] & (0x80 >> (x & 7))) !== 0;
  }

  /** Paint (or, with `on` false, erase) everything. */
  setAll(on) {
    this.bytes.fill(on ? 0xff : 0);
    if (on) this.#clearSpareBits();
  }

  invert() {
    const { bytes } = this;
    for (let i = 0; i < bytes.length; i += 1) bytes[i] ^= 0xff;
    this.#clearSpareBits();
  }

  /**
   * Set what a round brush covers on its way from a to b: each pixel whose centre is within `radius` of the
   * line, and always the two pixels under a and b. Coordinates count from the picture's upper left corner,
   * so that pixel 0 reaches from 0 to 1.
   *
   * @returns {Box|null} what may have changed; null if the brush only passed outside
   */
  sweep(ax, ay, bx, by, radius, on) {
    const length = Math.hypot(bx - ax, by - ay);
    const across = { ax, ay, bx, by, radius, length, ux: (bx - ax) / (length || 1), uy: (by - ay) / (length || 1) };
    const top = Math.max(0, Math.floor(Math.min(ay, by) - radius));
    const bottom = Math.min(this.height, Math.ceil(Math.max(ay, by) + radius) + 1);
    const changed = { left: this.width, top, right: 0, bottom };
    for (let y = top; y < bottom; y += 1) {
      const [from, to] = covered(across, y + MIDDLE);
      this.#setSpan(y, Math.ceil(from - MIDDLE), Math.floor(to - MIDDLE) + 1, on, changed);
    }
    for (const [x, y] of [[ax, ay], [bx, by]]) {
      this.#setSpan(Math.floor(y), Math.floor(x), Math.floor(x) + 1, on, changed);
    }
    return changed.left < changed.right && top < bottom ? changed : null;
  }

  /** Set pixels `from` to `to` (excluded) of row `y`, as far as they are in the picture. */
  #setSpan(y, from, to, on, changed) {
    if (y < 0 || y >= this.height) return;
    const first = Math.max(0, from);
    const end = Math.min(this.width, to);
    if (first >= end) return;
    if (first < changed.left) changed.left = first;
    if (end > changed.right) changed.right = end;
    const { bytes } = this;
    const head = y * this.stride + (first >> 3);
    const tail = y * this.stride + ((end - 1) >> 3);
    const headBits = 0xff >> (first & 7);
    const tailBits = (0xff << (7 - ((end - 1) & 7))) & 0xff;
    if (head === tail) {
      setBits(bytes, head, headBits & tailBits, on);
      return;
    }
    setBits(bytes, head, headBits, on);
    bytes.fill(on ? 0xff : 0, head + 1, tail);
    setBits(bytes, tail, tailBits, on);
  }

  /**
   * Take the mask from a decoded picture of any size, by nearest neighbour: transparent pixels (alpha under
   * 128) repaint if there are any, else bright ones (luma 128 and more). The studio reads mask files alike.
   *
   * @param {ImageData} source
   */
  setFrom(source) {
    const { data, width, height } = source;
    const byAlpha = hasTransparency(data);
    const columns = nearest(width, this.width);
    const rows = nearest(height, this.height);
    this.bytes.fill(0);
    for (let y = 0; y < this.height; y += 1) {
      const row = rows[y] * width;
      for (let x = 0; x < this.width; x += 1) {
        const i = (row + columns[x]) * 4;
        if (byAlpha ? data[i + 3] < 128 : luma(data, i) >= 128) {
          this.bytes[y * this.stride + (x >> 3)] |= 0x80 >> (x & 7);
        }
      }
    }
  }

  /** The bits of a box as pixels of one colour, clear where nothing is painted. @param {Box} box */
  toImageData(box, [red, green, blue]) {
    const { left, top, right, bottom } = box;
    const image = new ImageData(right - left, bottom - top);
    const pixels = new Uint32Array(image.data.buffer);
    const colour = new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0];
    let at = 0;
    for (let y = top; y < bottom; y += 1) {
      const row = y * this.stride;
      for (let x = left; x < right; x += 1, at += 1) {
        if (this.bytes[row + (x >> 3)] & (0x80 >> (x & 7))) pixels[at] = colour;
      }
    }
    return image;
  }

  #clearSpareBits() {
    const spare = this.stride * 8 - this.width;
    if (spare === 0) return;
    const keep = (0xff << spare) & 0xff;
    for (let i = this.stride - 1; i < this.bytes.length; i += this.stride) this.bytes[i] &= keep;
  }
}

function setBits(bytes, at, bits, on) {
  if (on) bytes[at] |= bits;
  else bytes[at] &= ~bits;
}

/** From where to where a swept brush covers the horizontal line at `y`: both ends' discs and the band between. */
function covered({ ax, ay, bx, by, radius, length, ux, uy }, y) {
  let from = Infinity;
  let to = -Infinity;
  for (const [x, centre] of [[ax, ay], [bx, by]]) {
    const rest = radius * radius - (y - centre) * (y - centre);
    if (rest < 0) continue;
    from = Math.min(from, x - Math.sqrt(rest));
    to = Math.max(to, x + Math.sqrt(rest));
  }
  if (length === 0) return [from, to];
  // In the band: 0 <= dx*ux + dy*uy <= length (along the line) and |dx*uy - dy*ux| <= radius (beside it).
  const dy = y - ay;
  const along = between(ux, -dy * uy, length - dy * uy);
  const beside = between(uy, dy * ux - radius, dy * ux + radius);
  const low = Math.max(along[0], beside[0]);
  const high = Math.min(along[1], beside[1]);
  return low <= high ? [Math.min(from, ax + low), Math.max(to, ax + high)] : [from, to];
}

/** The d with low <= d * factor <= high. */
function between(factor, low, high) {
  if (factor === 0) return low <= 0 && high >= 0 ? [-Infinity, Infinity] : [Infinity, -Infinity];
  return factor > 0 ? [low / factor, high / factor] : [high / factor, low / factor];
}

/** For each of `size` places the one of `source` it shows; stepwise, rounding as Pillow's NEAREST does. */
function nearest(source, size) {
  const step = source / size;
  let at = step / 2;
  return Int32Array.from({ length: size }, () => {
    const place = Math.floor(at);
    at += step;
    return place;
  });
}

function hasTransparency(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 128) return true;
  return false;
}

/** Brightness of the pixel at `i`, 0 to 255, by the weights of ITU-R 601. */
function luma(data, i) {
  return (data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16;
}
