/** What was asked for, as a table of settings with the names people know. */
import { h } from "./dom.js";
import { TYPES } from "./picture.js";

const NAMES = {
  model: "Model", prompt: "Prompt", sent_prompt: "Sent to the engine", negative_prompt: "Negative prompt", size: "Size",
  n: "Pictures", seed: "Seed", steps: "Steps", cfg_scale: "CFG scale", sampler: "Sampler", scheduler: "Scheduler",
  strength: "Strength", clip_skip: "CLIP skip", distilled_guidance: "Distilled guidance", flow_shift: "Flow shift",
  quality: "Quality", loras: "LoRAs", vae_tiling: "VAE tiling", style: "Style", control_strength: "Control strength", fit: "Input fitted by", mask_feather: "Mask feather", by_reference: "Input used as reference",
};
const LONG = new Set(["prompt", "sent_prompt", "negative_prompt"]);
/** Shown otherwise, or of no meaning to people. */
const APART = new Set(["type", "width", "height", "input_image", "mask", "control_image"]);
/** What an uploaded picture that was made larger does not tell. */
const OF_DRAWING = new Set(["model", "seed", "steps", "cfg_scale", "sampler", "scheduler", "n"]);
/** Only where there is an input picture, or a mask. */
const OF_INPUT = new Set(["fit", "by_reference", "strength"]);

/** @param {Object} request as GET /api/queue/{id}/request gives it @returns {HTMLElement} */
export function requestTable(request) {
  const rows = [["Kind", TYPES[request.type] + (request.mask ? ", with a mask" : "")]];
  if (request.upscale) rows.push(["Made larger", `${request.upscale.factor} times by ${request.upscale.method}`]);
  const values = { ...request, size: `${request.width} × ${request.height}` };
  for (const name of new Set([...Object.keys(NAMES), ...Object.keys(values)])) {
    if (!APART.has(name) && isTold(name, values)) rows.push([NAMES[name] ?? spelled(name), told(values[name]), LONG.has(name)]);
  }
  return h("dl", { class: "st-facts" }, rows.map(([name, value, isLong]) => h("div", { class: isLong ? "st-facts-long" : null }, h("dt", {}, name), h("dd", {}, value))));
}

function isTold(name, values) {
  const value = values[name];
  if (value === null || value === undefined || value === "" || value === false) return false;
  if (typeof value === "object" && Object.keys(value).length === 0) return false;
  if (name === "upscale") return false;
  if (values.upscale && !values.upscale.making_known && OF_DRAWING.has(name)) return false;
  if (name === "sent_prompt") return value !== values.prompt;
  if (name === "mask_feather") return Boolean(values.mask);
  if (name === "fit" && values.control_image) return true;
  return !OF_INPUT.has(name) || Boolean(values.input_image);
}

/** A setting this table does not know yet. */
function spelled(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

function told(value) {
  if (value === true) return "yes";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
