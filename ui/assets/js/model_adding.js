/** Asking for a model that the studio doesn't know: where its file is, what it is, and what it is like. */
import { postJSON } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { toast } from "./toast.js";

const PARTS = [
  ["model", "a complete checkpoint"],
  ["diffusion_model", "a diffusion model (UNet or transformer) alone"],
];
const PLACES = [
  ["hub", "Hugging Face"],
  ["url", "Another address"],
];

/** @param {Object[]} models as api/models tells them @returns {Promise<void>} kept when the dialog is closed */
export function openAdding(models) {
  return new AddingDialog(models).closed;
}

class AddingDialog {
  constructor(models) {
    const input = (name, attributes = {}) => h("input", { class: "st-input", id: `st-adding-${name}`, type: "text", autocomplete: "off", spellcheck: "false", oninput: () => this.#check(), ...attributes });
    const select = (name, options) => h("select", { class: "st-select", id: `st-adding-${name}`, onchange: () => this.#check() },
      options.map(([value, text]) => h("option", { value }, text)));
    this.place = select("place", PLACES);
    this.repo = input("repo", { placeholder: "owner/name" });
    this.path = input("path", { placeholder: "file.safetensors or file.gguf", onchange: () => this.#suggest(this.path.value) });
    this.url = input("url", { type: "url", placeholder: "https://…/file.safetensors", onchange: () => this.#suggest(this.url.value.split(/[?#]/)[0]) });
    this.sha256 = input("sha256", { placeholder: "64 hexadecimal digits", maxlength: 64 });
    this.part = select("part", PARTS);
    this.like = select("like", [["", "no other model"], ...models.map((model) => [model.id, model.name])]);
    this.id = input("id", { maxlength: 100, placeholder: "what requests will call it" });
    this.name = input("name", { maxlength: 200, placeholder: "what people will call it (optional)" });
    this.help = h("p", { class: "st-muted" });
    this.words = h("p", { class: "st-error", role: "alert", hidden: true });
    this.go = h("button", { class: "st-button st-primary", type: "button", disabled: true, onclick: () => this.#submit() }, icon("download"), "Add and download");
    this.rows = {
      hub: [...row("Repository", this.repo), ...row("File in it", this.path)],
      url: [...row("Address", this.url), ...row("Its SHA-256", this.sha256)],
    };
    const form = h("form", { class: "st-dialog-form", novalidate: true, onsubmit: (event) => this.#enter(event) },
      row("From", this.place), this.rows.hub, this.rows.url, row("The file is", this.part), row("It is like", this.like), this.help,
      row("Id", this.id), row("Name", this.name), this.words,
      h("button", { type: "submit", hidden: true }));
    const { close, closed } = openDialog({ title: "Add a model", body: form, actions: [this.go] });
    Object.assign(this, { close, closed });
    this.#check();
    this.repo.focus();
  }

  get #isHub() {
    return this.place.value === "hub";
  }

  /** An id from the file's name, unless somebody wrote one. */
  #suggest(path) {
    const stem = path.split("/").at(-1).replace(/\.\w+$/, "");
    if (this.id.value === "" && stem !== "") this.id.value = stem.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 100);
    this.#check();
  }

  #check() {
    for (const [place, elements] of Object.entries(this.rows)) {
      for (const element of elements) element.hidden = place !== this.place.value;
    }
    this.help.textContent = this.like.value === ""
      ? "The usual 512 × 512 pixels, 20 steps and cfg 7 will be its defaults."
      : "That model's size, steps, limits and engine options will be its own, and so will those of its files that this one doesn't replace.";
    const needed = this.#isHub ? [this.repo, this.path, this.id] : [this.url, this.sha256, this.id];
    this.go.disabled = needed.some((each) => each.value.trim() === "");
  }

  #enter(event) {
    event.preventDefault();
    if (!this.go.disabled) this.#submit();
  }

  #body() {
    const said = (input) => input.value.trim();
    const file = this.#isHub ? { repo: said(this.repo), path: said(this.path) } : { url: said(this.url), sha256: said(this.sha256).toLowerCase() };
    const more = { name: said(this.name), like: this.like.value };
    return { id: said(this.id), source: { files: { [this.part.value]: file } }, ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== "")) };
  }

  async #submit() {
    this.go.disabled = true;
    this.words.hidden = true;
    try {
      await postJSON("api/models/download", this.#body());
    } catch (error) {
      this.words.textContent = error.message;
      this.words.hidden = false;
      this.go.disabled = false;
      return;
    }
    this.close();
    toast("The model is added and its files are on their way.", "good");
  }
}

function row(text, element) {
  return [h("label", { for: element.id }, text), element];
}
