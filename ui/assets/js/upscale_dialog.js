/** Asking how a picture is to be made larger, and putting the job in the queue. */
import { getJSON, postJSON } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { toast } from "./toast.js";

const NAMES = { lanczos: "Lanczos (plain enlarging, at once)" };
const STEP = 0.5;

/**
 * @param {{id?: string, input_image?: string, width: number, height: number}} source a picture of the library,
 *   or a stored input, with its size in pixels
 * @param {{method: string, factor: number}|null} [before] how it was done the last time
 * @returns {Promise<void>} kept when the dialog is closed
 */
export function openUpscale(source, before = null) {
  return new UpscaleDialog(source, before).closed;
}

class UpscaleDialog {
  #methods = [];

  constructor(source, before) {
    this.source = source;
    this.method = h("select", { class: "st-select", id: "st-upscale-method", disabled: true, onchange: () => this.#choose() });
    this.factor = h("input", { class: "st-input", id: "st-upscale-factor", type: "number", min: "1", step: String(STEP), value: "2", required: true,
      oninput: () => this.#tell() });
    this.result = h("p", { class: "st-muted", "data-part": "result" });
    this.words = h("p", { class: "st-muted", role: "status" }, "Looking for upscalers …");
    this.go = h("button", { class: "st-button st-primary", type: "button", disabled: true, onclick: () => this.#submit() }, icon("expand"), "Upscale");
    const form = h("form", { class: "st-dialog-form", onsubmit: (event) => this.#enter(event) },
      h("label", { for: "st-upscale-method" }, "Method"), this.method,
      h("label", { for: "st-upscale-factor" }, "Times as large"), this.factor,
      this.result, this.words);
    const { close, closed } = openDialog({ title: "Upscale", body: form, actions: [this.go] });
    Object.assign(this, { close, closed });
    this.#load(before);
  }

  async #load(before) {
    try {
      this.#methods = await getJSON("api/upscalers");
    } catch (error) {
      this.#say(error.message, true);
      return;
    }
    this.method.replaceChildren(...this.#methods.map(({ name }) => h("option", { value: name }, NAMES[name] ?? name)));
    if (before !== null && this.#methods.some(({ name }) => name === before.method)) this.method.value = before.method;
    this.method.disabled = false;
    this.#choose(before?.factor);
    this.#say(this.#methods.length > 1 ? "" : "For more detail than Lanczos gives, put a network of the ESRGAN kind into models/upscalers beside models.yml.");
    this.method.focus();
  }

  get #chosen() {
    return this.#methods.find(({ name }) => name === this.method.value);
  }

  #choose(factor = this.#chosen.scale ?? 2) {
    this.factor.max = String(this.#chosen.max_factor);
    this.factor.value = String(Math.min(factor, this.#chosen.max_factor));
    this.#tell();
  }

  /** How large it becomes, as long as that can be known. */
  #tell() {
    const factor = this.factor.valueAsNumber;
    const isSound = Number.isFinite(factor) && factor >= 1 && factor <= Number(this.factor.max);
    this.go.disabled = !isSound;
    const { width, height } = this.source;
    const size = (times) => `${Math.round(width * times)} × ${Math.round(height * times)}`;
    this.result.textContent = isSound ? `${size(1)} becomes ${size(factor)} pixels` : `1 to ${this.factor.max} times`;
  }

  #enter(event) {
    event.preventDefault();
    if (!this.go.disabled) this.#submit();
  }

  async #submit() {
    this.go.disabled = true;
    const { id, input_image } = this.source;
    try {
      await postJSON("api/queue/upscale", {
        ...(id === undefined ? { input_image } : { image_id: id }), method: this.method.value, factor: this.factor.valueAsNumber,
      });
    } catch (error) {
      this.#say(error.message, true);
      this.go.disabled = false;
      return;
    }
    this.close();
    toast("The upscale is in the queue; the larger picture will be in the History.", "good");
  }

  #say(text, isBad = false) {
    this.words.textContent = text;
    this.words.hidden = text === "";
    this.words.classList.toggle("st-error", isBad);
  }
}
