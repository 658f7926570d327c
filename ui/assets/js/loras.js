/**
 * LoRAs for the pictures of a form: `props.value` is a list of `{name, weight}`, or null for none. Which there
 * are depends on the model the form has chosen.
 */
import { getJSON } from "./api.js";
import { h, icon } from "./dom.js";

/** @param {{element: HTMLElement, props: Object, watch: function, settings: Object}} component */
export function mount({ element, props, watch, settings }) {
  return new Loras(element, props, watch, settings);
}

class Loras {
  #asked = null;

  constructor(element, props, watch, settings) {
    this.props = props;
    this.settings = settings;
    this.known = [];
    this.list = h("ul", { class: "st-loras", "aria-label": settings.words });
    this.choice = h("select", { class: "st-input", "aria-label": "Add a LoRA", onchange: () => this.add() });
    this.words = h("p", { class: "st-help", role: "status" });
    element.replaceChildren(h("div", { class: "st-lora-box", role: "group", "aria-label": settings.words },
      h("span", { class: "st-label" }, settings.words), this.list, this.choice, this.words));
    watch("value", () => this.draw());
    document.addEventListener("studio:model", () => this.ask());
    // Files may come and go while the page is open.
    this.choice.addEventListener("pointerdown", () => this.ask(true));
    this.choice.addEventListener("focus", () => this.ask(true));
    this.draw();
    this.ask();
  }

  get chosen() {
    // Gradio gives an empty text for no value.
    return Array.isArray(this.props.value) ? this.props.value : [];
  }

  get model() {
    return globalThis.studioModels?.[this.settings.form] ?? this.settings.model;
  }

  async ask(again = false) {
    const { model } = this;
    if (this.#asked === model && !again) return;
    this.#asked = model;
    try {
      const known = await getJSON(`api/loras?model=${encodeURIComponent(model)}`);
      if (model !== this.model) return;
      if (JSON.stringify(known) === JSON.stringify(this.known)) return;
      this.known = known;
      this.draw();
    } catch (error) {
      this.#asked = null;
      this.words.textContent = error.message;
    }
  }

  add() {
    const name = this.choice.value;
    if (name !== "") this.set([...this.chosen, { name, weight: this.settings.usual_weight }]);
    this.choice.focus();
  }

  set(loras) {
    this.props.value = loras.length === 0 ? null : loras;
    this.draw();
  }

  draw() {
    const { chosen, known } = this;
    const names = new Set(chosen.map((lora) => lora.name));
    const rest = known.filter((file) => !names.has(file.name));
    this.#drawChosen(chosen);
    const room = chosen.length < this.settings.most;
    this.choice.replaceChildren(h("option", { value: "" }, room ? "Add a LoRA…" : `${this.settings.most} at most`),
      ...(room ? rest : []).map((file) => h("option", { value: file.name }, shortName(file.name))));
    this.choice.value = "";
    this.choice.hidden = known.length === 0;
    this.words.textContent = known.length === 0 ? "None for this model yet. Put .safetensors files into its LoRA folder, models/loras unless models.yml says otherwise." : "";
    this.words.hidden = known.length > 0;
  }

  /** Rows stay in the page while one of them is dragged: only their numbers change. */
  #drawChosen(chosen) {
    const rows = [...this.list.children];
    const same = rows.length === chosen.length && rows.every((row, place) => row.dataset.name === chosen[place].name);
    if (!same) this.list.replaceChildren(...chosen.map((lora) => this.#row(lora)));
    const there = new Set(this.known.map((file) => file.name));
    for (const [place, row] of [...this.list.children].entries()) {
      for (const input of row.querySelectorAll("input")) {
        if (input !== document.activeElement) input.value = String(chosen[place].weight);
      }
      row.querySelector(".st-lora-gone").hidden = this.known.length === 0 || there.has(row.dataset.name);
    }
  }

  #row({ name }) {
    const shown = shortName(name);
    const weigh = (event) => {
      const weight = Number(event.target.value);
      if (event.target.value.trim() !== "" && Number.isFinite(weight)) this.#weigh(name, weight);
    };
    const bounds = { min: this.settings.least_weight, max: this.settings.most_weight, step: 0.05, oninput: weigh, onchange: () => this.draw() };
    // The slider has the range of use; more can be written.
    return h("li", { "data-name": name },
      h("span", { class: "st-lora-name", title: name }, shown, h("span", { class: "st-lora-gone", hidden: true }, " is not there any more")),
      h("input", { ...bounds, type: "range", min: -1, max: 2, "aria-label": `Weight of ${shown}` }),
      h("input", { ...bounds, class: "st-input", type: "number", "aria-label": `Weight of ${shown} in figures` }),
      h("button", { type: "button", class: "st-button st-small", "aria-label": `Remove ${shown}`, title: `Remove ${shown}`,
        onclick: () => this.set(this.chosen.filter((lora) => lora.name !== name)) }, icon("close")));
  }

  #weigh(name, wanted) {
    const weight = Math.min(this.settings.most_weight, Math.max(this.settings.least_weight, wanted));
    this.set(this.chosen.map((lora) => (lora.name === name ? { name, weight } : lora)));
  }
}

function shortName(name) {
  return name.replace(/\.safetensors$/, "");
}
