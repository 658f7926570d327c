/** One model: how it stands, what it needs and likes, and starting and stopping it. */
import { postJSON } from "./api.js";
import { button } from "./button.js";
import { copyText } from "./clipboard.js";
import { sendTo } from "./courier.js";
import { h, icon } from "./dom.js";
import { MODEL_STATES } from "./engine_words.js";
import { bytes, duration, percent } from "./format.js";
import { ModelDownload } from "./model_download.js";
import { toast } from "./toast.js";

const IN_MEMORY = ["loading", "ready", "busy"];
const DOES = { generate: "Text to picture", edit: "Edit", variation: "Variations", references: "Edits by instruction", control: "Control pictures" };
const DEFAULTS = {
  size: "Size", steps: "Steps", cfg_scale: "CFG scale", sampler: "Sampler", scheduler: "Scheduler", strength: "Strength",
  negative_prompt: "Negative prompt", distilled_guidance: "Distilled guidance", flow_shift: "Flow shift", clip_skip: "CLIP skip",
};
const BUILT_IN = "builtin";

export class ModelCard {
  #drawn = "";

  /** @param {string} id @param {string} catalogue name of the file that describes it */
  constructor(id, catalogue) {
    this.id = id;
    this.catalogue = catalogue;
    this.model = null;
    this.engine = null;
    this.badge = h("span", { class: "st-badge" });
    this.start = button("play", "Start", () => this.#do("start"), { needs: "admin" });
    this.stop = button("stop", "Stop", () => this.#do("stop"), { needs: "admin" });
    this.body = h("div", { class: "st-model-body" });
    this.name = h("h3", {});
    this.download = new ModelDownload(id);
    this.root = h("article", { class: "st-card st-model", "data-id": id },
      h("header", { class: "st-model-head" }, this.name, this.badge, h("span", { class: "st-space" }), this.start, this.stop), this.download.root, this.body);
  }

  /** @param {Object} model as GET /api/models tells it @param {Object|null} engine */
  update(model, engine) {
    this.model = model;
    this.engine = engine;
    this.download.update(model);
    const { state, features, download, fit, ...rest } = model;
    const drawn = JSON.stringify([rest, fit?.fits, fit?.needed_bytes]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#drawBody();
    }
    this.#drawState();
  }

  /** @param {Object} engine in its latest state */
  hear(engine) {
    this.engine = engine;
    if (this.model !== null) this.#drawState();
  }

  #drawState() {
    const { model, engine } = this;
    const isHere = engine?.model === model.id && IN_MEMORY.includes(engine.state);
    const state = isHere ? engine.state : model.state;
    const share = isHere && state === "loading" && engine.fraction !== null ? ` ${percent(engine.fraction)}` : "";
    this.root.dataset.state = state;
    this.badge.dataset.state = state;
    this.badge.textContent = MODEL_STATES[state] + share;
    const inMemory = IN_MEMORY.includes(state);
    this.start.hidden = inMemory || state === "missing";
    this.stop.hidden = !inMemory;
    this.start.title = "Load it into memory now; a job that runs is finished first";
    this.stop.title = state === "busy" ? "A job is running with it: cancel that first" : "Free its memory";
    const engineIsThere = engine === null || !["preparing", "unavailable"].includes(engine.state);
    this.start.disabled = !engineIsThere;
    this.stop.disabled = state === "busy";
    for (const [deed, name] of [[this.start, "Start"], [this.stop, "Stop"]]) deed.setAttribute("aria-label", `${name} ${model.name}`);
  }

  #drawBody() {
    const { model } = this;
    this.name.replaceChildren(model.name, model.is_default ? h("span", { class: "st-badge", title: "A request that names no model gets this one" }, "default") : "");
    this.body.replaceChildren(...[
      model.description && h("p", {}, model.description),
      model.fault && h("p", { class: "st-error" }, model.fault),
      h("p", { class: "st-muted" }, this.#summary()),
      this.#fit(),
      this.#files(),
      h("details", { class: "st-log" }, h("summary", {}, "Defaults and limits"), this.#settings()),
      model.examples.length > 0 && this.#examples(),
    ].filter(Boolean));
  }

  #summary() {
    const { model } = this;
    const does = Object.entries(DOES).filter(([name]) => model.capabilities[name]).map(([, words]) => words);
    const names = [model.id, ...model.aliases].join(", ");
    return [does.join(", "), model.bytes > 0 && `${bytes(model.bytes)} on disk`, `id ${names}`].filter(Boolean).join(" · ");
  }

  #fit() {
    const { fit } = this.model;
    if (fit === null || fit.needed_bytes === null) return null;
    const needs = `Needs about ${bytes(fit.needed_bytes)} of memory for ${fit.size} (an estimate); ${bytes(fit.available_bytes)} are free`;
    return fit.fits ? h("p", { class: "st-muted" }, `${needs}.`)
      : h("p", { class: "st-tight" }, icon("warning"), h("span", {}, `${needs}, so it may not fit. A graphics card with that much helps, as do vae_tiling and a more strongly quantised file.`));
  }

  #files() {
    const { model } = this;
    if (model.files.length === 0 || model.files[0].key === BUILT_IN) return h("p", { class: "st-muted" }, "Comes with the studio; it needs no files.");
    const lack = model.files.filter((file) => !file.present).length;
    const words = lack === 0 ? `Files: all ${model.files.length} are there` : `Files: ${lack} of ${model.files.length} missing`;
    const rows = model.files.map((file) => h("li", { "data-present": String(file.present) }, icon(file.present ? "check" : "close"),
      h("span", { class: "st-file-words" }, h("strong", {}, file.key), " ", h("code", {}, file.path)),
      h("span", { class: "st-muted" }, file.present ? bytes(file.bytes) : "missing"),
      button("copy", "Copy the path", () => this.#copy(file.path, "The path"), { words: false, name: `Copy the path ${file.path}` })));
    const where = lack > 0 && h("p", {}, `Put each at the path shown, counted from the folder of ${this.catalogue}.`);
    const source = model.source && h("p", { class: "st-file-source" }, "Source: the Hugging Face repository ", h("code", {}, model.source),
      button("copy", "Copy", () => this.#copy(model.source, "The repository's name"), { words: false, name: "Copy the repository's name" }));
    return h("details", { class: "st-log st-files", open: lack > 0 && lack < model.files.length }, h("summary", {}, words), h("ul", {}, rows), where, source);
  }

  #settings() {
    const { defaults, limits, ttl } = this.model;
    const known = Object.entries(DEFAULTS).filter(([name]) => defaults[name] !== null && defaults[name] !== "").map(([name, words]) => [words, String(defaults[name])]);
    const side = Math.round(Math.sqrt(limits.max_pixels));
    known.push(["At most", `${limits.max_pixels.toLocaleString()} pixels, such as ${side} × ${side}`], ["Pictures in a job", `up to ${limits.max_n}`],
      ["Sides", `steps of ${limits.multiple}`], ["Leaves memory", ttl === null ? "never" : ttl === 0 ? "when no job wants it" : `unused for ${duration(ttl)}`]);
    return h("dl", { class: "st-facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  #examples() {
    const { model } = this;
    const usable = model.missing.length === 0;
    return h("div", { class: "st-model-examples" }, h("span", { class: "st-muted" }, "Try"),
      model.examples.map((prompt) => h("button", { class: "st-chip", type: "button", disabled: !usable, title: usable ? "Bring it into txt2img" : "The model is not downloaded",
        onclick: () => sendTo("txt2img", { params: { model: model.id, prompt } }) }, prompt)));
  }

  async #do(deed) {
    const control = this[deed];
    control.disabled = true;
    try {
      await postJSON(`api/models/${encodeURIComponent(this.id)}/${deed}`, {});
    } catch (error) {
      toast(error.message, "bad");
    }
    this.#drawState();
  }

  async #copy(text, what) {
    if (await copyText(text)) toast(`${what} is in the clipboard.`, "good");
    else toast("The browser refuses to copy; select the text instead.", "bad");
  }
}
