/** One axis of a grid as it is entered: a parameter, and the values it takes. */
import { h } from "./dom.js";
import { watchModels } from "./model_list.js";

const HINTS = {
  numbers: "2, 4, 8 or 1-5",
  lines: "One value per line",
  words: "red, green, blue: the first is looked for in the prompt",
};
/** Whole numbers in a row, as in 1-5. */
const RANGE = /^(\d{1,15})\s*-\s*(\d{1,15})$/;
const NUMBER = /^-?\d+(\.\d+)?$/;

export class GridAxis {
  /**
   * @param {string} name of the axis: "X", "Y" or "Z"
   * @param {Object[]} parameters as ui/components/grid_form.py gives them
   * @param {number} most values
   * @param {function(): void} onchange
   */
  constructor(name, parameters, most, onchange) {
    this.name = name;
    this.parameters = parameters;
    this.most = most;
    this.onchange = onchange;
    this.models = [];
    this.select = h("select", { class: "st-input st-select", "aria-label": `${name}: parameter`, onchange: () => this.#choose() },
      h("option", { value: "" }, "Nothing"), parameters.map((each) => h("option", { value: each.name }, each.label)));
    this.text = h("textarea", { class: "st-input", rows: 1, "aria-label": `${name}: values`, oninput: () => onchange() });
    this.boxes = h("div", { class: "st-grid-choices", role: "group", "aria-label": `${name}: values` });
    this.root = h("div", { class: "st-grid-axis", role: "group", "aria-label": `${name} axis` },
      h("span", { class: "st-grid-name", "aria-hidden": "true" }, name), this.select, this.text, this.boxes);
    this.#choose();
    watchModels((models) => {
      this.models = models.filter((model) => model.missing.length === 0).map((model) => model.id);
      if (this.parameter?.name === "model") this.#drawChoices(this.models);
    });
  }

  /** What is varied, or null. */
  get parameter() {
    return this.parameters.find((each) => each.name === this.select.value) ?? null;
  }

  /** The values as the studio takes them. @returns {Array<string|number>} @throws {Error} with a sentence */
  get values() {
    const kind = this.parameter?.kind;
    if (kind === "choices") return [...this.boxes.querySelectorAll("input:checked")].map((box) => box.value);
    const parts = this.text.value.split(kind === "lines" ? "\n" : ",").map((part) => part.trim()).filter((part) => part !== "");
    return kind === "numbers" ? parts.flatMap((part) => this.#numbers(part)) : parts;
  }

  /** A range or a number; long seeds stay text, because numbers round them here. */
  #numbers(part) {
    const range = RANGE.exec(part);
    if (range !== null) {
      const [from, to] = [Number(range[1]), Number(range[2])];
      if (to < from || to - from >= this.most) throw new Error(`${this.name}: ${part} is no range of at most ${this.most} numbers.`);
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    }
    if (!NUMBER.test(part)) throw new Error(`${this.name}: ${part} is no number.`);
    return Number.isInteger(Number(part)) && !Number.isSafeInteger(Number(part)) ? [part] : [Number(part)];
  }

  #choose() {
    const { parameter } = this;
    const isChoice = parameter?.kind === "choices";
    this.text.hidden = parameter === null || isChoice;
    this.boxes.hidden = !isChoice;
    this.text.rows = parameter?.kind === "lines" ? 3 : 1;
    this.text.placeholder = HINTS[parameter?.kind] ?? "";
    if (isChoice) this.#drawChoices(parameter.name === "model" ? this.models : parameter.choices);
    this.onchange();
  }

  #drawChoices(words) {
    const checked = new Set([...this.boxes.querySelectorAll("input:checked")].map((box) => box.value));
    this.boxes.replaceChildren(...words.map((word) => h("label", { class: "st-grid-choice" },
      h("input", { class: "st-check", type: "checkbox", value: word, checked: checked.has(word), onchange: () => this.onchange() }), word)));
  }
}
