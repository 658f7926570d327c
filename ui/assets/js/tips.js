/** What the terms of a form mean: a tooltip for the mouse, a description for those who hear the page. */

const TIPS = {
  negative_prompt: "What the picture should not show. It acts only while the CFG scale is above 1.",
  shape: "The picture's sides to each other, at the number of pixels the model likes best.",
  swap: "Exchange width and height.",
  seed: "The number the noise is made from: the same seed and settings make the same picture again.",
  dice: "A new seed for each picture.",
  reuse: "The seed of the latest picture made here.",
  n: "How many pictures each job makes; each has a seed of its own.",
  steps: "How often the model refines the picture. More takes longer, and beyond the model's own number seldom helps.",
  cfg_scale: "How strictly the picture follows the prompt. High values look harsh; models made for few steps want 1.",
  sampler: "The method that turns noise into a picture, step by step. The model's own is a good start.",
  scheduler: "How the noise is spread over the steps. The model's own is a good start.",
  quality: "Half, as many or twice the steps the model has of its own.",
  style: "Adds words for that style to the prompt.",
  strength: "How much of the picture is drawn anew: 0 keeps it as it is, 1 starts from nothing.",
  far: "Three steps of the strength below.",
  area: "The whole picture at the model's size, or only what is painted, drawn large and put back: finer for small things.",
  padding: "How much around the painted area the model sees as well, to fit in what it draws.",
  lines: "Each line of the prompt becomes a job of its own.",
  alternatives: "What {red|blue} and __name__ in a prompt become: one of them by chance, or a job for each.",
  clip_skip: "How many of the last layers of the text encoder are left out. Some models were trained with 2.",
  distilled_guidance: "How strictly models such as FLUX follow the prompt, in place of the CFG scale.",
  flow_shift: "Moves the steps of flow models towards the composition (higher) or the details (lower).",
  loras: "Small files that teach a model a style or a thing. Weight 1 is as trained, 0 nothing, below 0 the opposite.",
  hires: "For sizes above the model's own: draws the picture small, enlarges it and draws it over, so that nothing doubles.",
  hires_scale: "How much both sides grow. The model's largest picture is the limit.",
  hires_denoising_strength: "How much the second pass may change: 1 draws the picture anew.",
  hires_upscaler: "How the picture grows before the second pass. Latent ones are quick and free, the others keep more of it.",
  hires_steps: "Steps of the second pass; 0 takes as many as the first.",
  vae_tiling: "Turns the result into pixels tile by tile: needs far less memory for large pictures, and takes longer.",
  control_image: "A finished map of the picture wanted, brought to its size. Colours and words are the prompt's.",
  control_strength: "How strictly the map is followed: 1 is as its net was trained, 0 not at all.",
  cache: "Leaves out work that changes little from step to step: faster, and a little less exact.",
};
const FORMS = ["txt2img", "edit", "variations"];

/** Parts of a form come and go with tabs and models: so each gets its tip when it is pointed at. */
export function giveTips() {
  document.addEventListener("pointerover", (event) => tip(event.target));
  document.addEventListener("focusin", (event) => tip(event.target));
}

function tip(target) {
  for (const form of FORMS) {
    const part = target.closest?.(`[id^="${form}-"]`);
    const text = TIPS[part?.id.slice(form.length + 1)];
    if (text === undefined) continue;
    part.title = text;
    for (const control of part.matches("button") ? [part] : part.querySelectorAll("input, textarea, select")) {
      control.setAttribute("aria-description", text);
    }
  }
}
