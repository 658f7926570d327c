/**
 * A mask as a grey PNG, at once: the browser's own encoder needs a full-size canvas of four bytes a pixel
 * and answers later or slowly, while the bits of a mask are rows that mostly repeat the row above.
 *
 * Each row is stored as its difference to the row above (PNG's filter "Up"), so nearly all bytes are 0, and
 * runs of equal bytes become deflate's back references of distance 1 with its fixed codes.
 *
 * @typedef {import("./mask_bits.js").MaskBits} MaskBits
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const FILTER_UP = 2;
const LONGEST_MATCH = 258;
const END_OF_BLOCK = 256;

/**
 * @param {MaskBits} mask
 * @param {1|8} depth bits a pixel of the file: 1 is small, 8 is what every old program reads
 * @returns {Uint8Array} the file; painted pixels are white, the others black
 */
export function encodePng(mask, depth = 1) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, mask.width);
  header.setUint32(4, mask.height);
  header.setUint8(8, depth);
  return joined([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", compressedRows(mask, depth)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Bytes as a `data:image/png;base64,…` address. @param {Uint8Array} png */
export function toDataURL(png) {
  if (png.toBase64) return `data:image/png;base64,${png.toBase64()}`;
  let binary = "";
  for (let i = 0; i < png.length; i += 0x8000) binary += String.fromCharCode(...png.subarray(i, i + 0x8000));
  return `data:image/png;base64,${btoa(binary)}`;
}

/** The zlib stream of the filtered rows. */
function compressedRows(mask, depth) {
  const size = depth === 1 ? mask.stride : mask.width;
  const out = new Deflate();
  let above = new Uint8Array(size);
  let row = new Uint8Array(size);
  const line = new Uint8Array(size + 1);
  line[0] = FILTER_UP;
  for (let y = 0; y < mask.height; y += 1) {
    const bits = mask.bytes.subarray(y * mask.stride, (y + 1) * mask.stride);
    if (depth === 1) row = bits;
    else for (let x = 0; x < size; x += 1) row[x] = bits[x >> 3] & (0x80 >> (x & 7)) ? 255 : 0;
    for (let i = 0; i < size; i += 1) line[i + 1] = row[i] - above[i];
    out.write(line);
    [above, row] = [row, above];
  }
  return out.finish();
}

/** Deflate in one block of fixed codes (RFC 1951, 3.2.6), wrapped for zlib (RFC 1950). */
class Deflate {
  constructor() {
    this.bytes = new Uint8Array(1 << 16);
    this.bytes.set([0x78, 0x01]);
    this.length = 2;
    this.held = 0;
    this.heldBits = 0;
    this.sums = [1, 0];
    this.#put(0b011, 3); // last block, fixed codes
  }

  write(line) {
    this.#sum(line);
    for (let i = 0; i < line.length; ) {
      const byte = line[i];
      let end = i + 1;
      while (end < line.length && line[end] === byte) end += 1;
      this.#symbol(byte);
      this.#repeat(byte, end - i - 1);
      i = end;
    }
  }

  finish() {
    this.#symbol(END_OF_BLOCK);
    this.#put(0, 7); // to the next whole byte
    const [low, high] = this.sums;
    const end = Uint8Array.of(high >> 8, high & 255, low >> 8, low & 255);
    return joined([this.bytes.subarray(0, this.length), end]);
  }

  /** `count` more of the byte written last. */
  #repeat(byte, count) {
    let left = count;
    while (left >= 3) {
      const [symbol, extra, extraBits] = MATCHES[Math.min(left, LONGEST_MATCH)];
      this.#symbol(symbol);
      this.#put(extra, extraBits + 5); // then the distance's code: 00000, which is 1
      left -= Math.min(left, LONGEST_MATCH);
    }
    for (; left > 0; left -= 1) this.#symbol(byte);
  }

  #symbol(symbol) {
    this.#put(CODES[symbol], CODE_BITS[symbol]);
  }

  #put(value, bits) {
    this.held |= value << this.heldBits;
    this.heldBits += bits;
    if (this.length + 4 > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    while (this.heldBits >= 8) {
      this.bytes[this.length] = this.held & 255;
      this.length += 1;
      this.held >>>= 8;
      this.heldBits -= 8;
    }
  }

  /** Adler-32; 3800 bytes can't overflow 32 bits before the remainder is taken. */
  #sum(line) {
    let [low, high] = this.sums;
    for (let start = 0; start < line.length; start += 3800) {
      const end = Math.min(line.length, start + 3800);
      for (let i = start; i < end; i += 1) {
        low += line[i];
        high += low;
      }
      low %= 65521;
      high %= 65521;
    }
    this.sums = [low, high];
  }
}

function reversed(code, bits) {
  let result = 0;
  for (let i = 0; i < bits; i += 1) result |= ((code >> i) & 1) << (bits - 1 - i);
  return result;
}

function fixedCode(symbol) {
  if (symbol < 144) return [0x30 + symbol, 8];
  if (symbol < 256) return [0x190 + symbol - 144, 9];
  if (symbol < 280) return [symbol - 256, 7];
  return [0xc0 + symbol - 280, 8];
}

const CODE_BITS = Uint8Array.from({ length: 288 }, (_, symbol) => fixedCode(symbol)[1]);
const CODES = Uint16Array.from({ length: 288 }, (_, symbol) => reversed(...fixedCode(symbol)));

/** By length of the match: its symbol, the extra bits' value and their number (RFC 1951, 3.2.5). */
const MATCHES = (() => {
  const matches = new Array(LONGEST_MATCH + 1);
  let length = 3;
  for (let symbol = 257; symbol < 285; symbol += 1) {
    const extraBits = symbol < 265 ? 0 : (symbol - 261) >> 2;
    for (let extra = 0; extra < 1 << extraBits; extra += 1, length += 1) matches[length] = [symbol, extra, extraBits];
  }
  matches[LONGEST_MATCH] = [285, 0, 0];
  return matches;
})();

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let i = 0; i < 8; i += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function chunk(type, content) {
  const whole = new Uint8Array(content.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i += 1) whole[4 + i] = type.charCodeAt(i);
  whole.set(content, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < content.length + 8; i += 1) crc = (crc >>> 8) ^ CRC[(crc ^ whole[i]) & 255];
  view.setUint32(content.length + 8, ~crc >>> 0);
  return whole;
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
