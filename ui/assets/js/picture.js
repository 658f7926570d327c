/** What is known about a picture of the library, in words, and where its files are. */
import { bytes, moment } from "./format.js";

/** The thumbnails the studio makes, in pixels of the longer side. */
const EDGES = [64, 128, 256, 512, 1024];

/** What the types of jobs are called on the page. */
export const TYPES = Object.freeze({ generate: "Text to picture", edit: "Edit", variation: "Variation", upscale: "Upscaled" });

/** @param {{id: string}} item @returns {string} the address of the whole picture */
export function pictureAddress(item) {
  return `api/images/${encodeURIComponent(item.id)}`;
}

/**
 * @param {{id: string}} item
 * @param {number} wanted pixels of the longer side; the next size there is
 * @returns {string}
 */
export function thumbAddress(item, wanted) {
  const edge = EDGES.find((size) => size >= wanted * 0.85) ?? EDGES.at(-1);
  return `${pictureAddress(item)}?thumb=${edge}`;
}

/** @param {{prompt?: string}} item @param {number} [most] characters @returns {string} its prompt, for labels */
export function caption(item, most = 160) {
  const text = (item.prompt ?? "").replace(/\s+/g, " ").trim();
  if (text === "") return "Picture without a prompt";
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** @param {number} count @returns {string} "1 picture", "1,234 pictures" */
export function pictures(count) {
  return `${count.toLocaleString()} ${count === 1 ? "picture" : "pictures"}`;
}

/**
 * The settings as pairs of label and value, those that are known.
 *
 * @param {Object} item an item of the library, or parameters read from a file
 * @returns {Array<[string, string]>}
 */
export function facts(item) {
  const has = (value) => value !== undefined && value !== null && value !== "";
  const size = has(item.width) && has(item.height) ? `${item.width} × ${item.height}` : item.size;
  const pairs = [
    ["Model", item.model], ["Size", size], ["Steps", item.steps], ["CFG scale", item.cfg_scale],
    ["Sampler", item.sampler], ["Scheduler", item.scheduler], ["Seed", item.seed], ["Strength", item.strength],
    ["Upscaled", has(item.upscale) ? `${item.upscale.factor} × by ${item.upscale.method}` : null],
    ["Type", TYPES[item.type] ?? item.type], ["Made", has(item.created_at) ? moment(item.created_at) : null],
    ["File", has(item.bytes) ? bytes(item.bytes) : null], ["By", item.owner],
  ];
  return pairs.filter(([, value]) => has(value)).map(([label, value]) => [label, String(value)]);
}
