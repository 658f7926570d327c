/** Prompts the model understands; the style sheet shows them while the prompt is empty. */
import { h } from "./dom.js";
import { field, write } from "./field.js";
import { watchModels } from "./model_list.js";

/** Few and short ones: they are there to begin with, not to be read. */
const SHOWN = 4;
const SHORT = 42;

/** @param {{element: HTMLElement, props: Object, watch: function}} component its value is a model's id */
export function mount({ element, props, watch }) {
  const row = h("div", { class: "st-examples", role: "group", "aria-label": "Prompts to try" });
  element.replaceChildren(row);
  let models = [];

  const use = (text) => {
    const prompt = field(props.form, "prompt");
    write(prompt, text);
    prompt.focus();
  };
  const chip = (text) => h("button", { class: "st-chip", type: "button", onclick: () => use(text) }, text);
  const draw = () => {
    const model = models.find((each) => each.id === props.value);
    row.replaceChildren(...(model?.examples ?? []).filter((text) => text.length <= SHORT).slice(0, SHOWN).map(chip));
  };
  watch("value", draw);
  watchModels((list) => {
    models = list;
    draw();
  });
}
