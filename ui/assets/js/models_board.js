/** The Models tab: the engine, and a card for every entry of models.yml. */
import { h, icon } from "./dom.js";
import { subscribe } from "./events.js";
import { engineWords } from "./engine_words.js";
import { EngineLog } from "./engine_log.js";
import { openAdding } from "./model_adding.js";
import { ModelCard } from "./model_card.js";
import { watchModels } from "./model_list.js";

/** @param {{element: HTMLElement, props: {catalogue: string}}} component `catalogue` is the file's name */
export function mount({ element, props }) {
  const board = new ModelsBoard(props.catalogue);
  element.replaceChildren(board.root);
  subscribe((name, data) => board.hear(name, data));
  watchModels((models) => board.draw(models));
}

class ModelsBoard {
  #cards = new Map();

  constructor(catalogue) {
    this.catalogue = catalogue;
    this.engine = null;
    this.names = new Map();
    this.dot = h("i", { class: "st-dot" });
    this.title = h("h2", {});
    this.text = h("p", {});
    this.fill = h("span", { class: "st-fill" });
    this.track = h("div", { class: "st-track", role: "progressbar", "aria-label": "Progress of the engine", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, this.fill);
    this.log = new EngineLog();
    this.top = h("section", { class: "st-card st-engine", "aria-label": "Engine" },
      h("div", { class: "st-engine-head" }, this.dot, this.title), this.text, this.track, this.log.root);
    this.here = part("On this machine");
    this.missing = part("Not downloaded", `${catalogue} describes them. Download a model, or put its files where its card says, and it can be used at once.`);
    this.models = [];
    const add = h("button", { class: "st-button", type: "button", "data-needs": "admin", onclick: () => openAdding(this.models) }, icon("plus"), "Add a model");
    this.wait = h("p", { class: "st-muted" }, "Reading the models …");
    this.root = h("div", { class: "st-models" }, this.top, h("div", { class: "st-models-bar" }, add), this.wait, this.here.root, this.missing.root);
    this.#drawEngine();
  }

  hear(name, data) {
    if (name !== "state" && name !== "model_status_changed") return;
    this.engine = data.engine;
    if (data.download) this.#cards.get(data.download.model)?.download.hear(data.download);
    this.#drawEngine();
    for (const card of this.#cards.values()) card.hear(this.engine);
    this.log.show(this.engine);
  }

  #drawEngine() {
    const { title, text, kind } = engineWords(this.engine, this.names.get(this.engine?.model));
    this.top.dataset.kind = kind;
    this.dot.dataset.state = this.engine?.state ?? "";
    this.title.textContent = title;
    this.text.textContent = text;
    this.text.hidden = text === "";
    const fraction = this.engine?.fraction ?? null;
    this.track.hidden = fraction === null;
    this.fill.style.setProperty("transform", `scaleX(${fraction ?? 0})`);
    this.track.setAttribute("aria-valuenow", String(Math.round((fraction ?? 0) * 100)));
  }

  draw(models) {
    this.wait.remove();
    this.models = models;
    this.names = new Map(models.map((model) => [model.id, model.name]));
    this.#drawEngine();
    for (const model of models) {
      const card = this.#cards.get(model.id) ?? new ModelCard(model.id, this.catalogue);
      this.#cards.set(model.id, card);
      card.update(model, this.engine);
      const { list } = model.missing.length > 0 ? this.missing : this.here;
      if (card.root.parentElement !== list) list.append(card.root);
    }
    for (const each of [this.here, this.missing]) each.root.hidden = each.list.childElementCount === 0;
  }
}

function part(name, text = "") {
  const list = h("div", { class: "st-model-list" });
  return { list, root: h("section", { class: "st-model-part", hidden: true }, h("h2", {}, name), text && h("p", { class: "st-muted" }, text), list) };
}
