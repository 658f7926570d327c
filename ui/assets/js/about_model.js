/** What there is to know about the chosen model: whether it can be used, what it lacks, what it is good for. */
import { h } from "./dom.js";
import { watchModels } from "./model_list.js";
import { showTab } from "./tabs.js";

const STATES = {
  ready: "In memory",
  busy: "Working",
  loading: "Loading",
  stopped: "Loads with the next picture",
  missing: "Not downloaded",
};

/** @param {{element: HTMLElement, props: Object, watch: function}} component its value is a model's id */
export function mount({ element, props, watch }) {
  let models = [];
  const draw = () => {
    const model = models.find((each) => each.id === props.value);
    element.replaceChildren(model === undefined ? h("div", { class: "st-about" }) : about(model));
  };
  watch("value", draw);
  watchModels((list) => {
    models = list;
    draw();
  });
}

function about(model) {
  const files = model.missing.length;
  const state = h("span", { class: "st-about-state" }, h("i", { class: "st-dot", "data-state": model.state === "missing" ? "unavailable" : model.state }),
    STATES[model.state] ?? model.state);
  const needs = files > 0 && h("button", {
    class: "st-link", type: "button", title: `Needed: ${model.missing.join(", ")}`, onclick: () => showTab("models"),
  }, files === 1 ? "1 file is missing" : `${files} files are missing`);
  return h("div", { class: "st-about" }, h("div", { class: "st-about-line" }, state, needs), h("p", { title: model.description }, model.description));
}
