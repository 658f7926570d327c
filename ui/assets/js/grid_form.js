/** A grid of what the form holds: up to three axes, the count of cells, and the button that has it made. */
import { postJSON } from "./api.js";
import { h } from "./dom.js";
import { GridAxis } from "./grid_axis.js";
import { madeLast } from "./grid_made.js";
import { showTab } from "./tabs.js";
import { toast } from "./toast.js";

const NAMES = ["X", "Y", "Z"];

/** @param {{element: HTMLElement, props: Object, trigger: function, watch: function, settings: Object}} component */
export function mount({ element, props, trigger, watch, settings }) {
  const title = h("input", { class: "st-input", type: "text", maxlength: 100, placeholder: "Name of the grid (optional)", "aria-label": "Name of the grid" });
  const count = h("span", { class: "st-muted", role: "status" });
  const fault = h("p", { class: "st-error", role: "alert", hidden: true });
  const go = h("button", { class: "st-button st-primary", type: "button", onclick: collect }, "Make the grid");
  let waiting = null;
  let turn = 0;
  const axes = [];
  for (const name of NAMES.slice(0, settings.axes)) axes.push(new GridAxis(name, settings.parameters, settings.cells, () => update()));
  element.replaceChildren(h("div", { class: "st-grid-form" },
    h("p", { class: "st-help" }, "Every combination of these values, with everything else as the form has it and one seed for all."),
    axes.map((axis) => axis.root), title, h("div", { class: "st-grid-foot" }, count, go), fault));
  update();

  /** The axes that say something, as the studio takes them; throws a sentence. */
  function read() {
    return axes.filter((axis) => axis.parameter !== null).map((axis) => {
      const { values } = axis;
      if (values.length === 0) throw new Error(`${axis.name}: give at least one value.`);
      return { parameter: axis.parameter.name, values };
    });
  }

  function say(text) {
    fault.hidden = text === "";
    fault.textContent = text;
  }

  function update() {
    say("");
    let wanted = [];
    let words = "";
    try {
      wanted = read();
      const lengths = wanted.map((axis) => axis.values.length);
      const cells = lengths.reduce((product, length) => product * length, 1);
      words = wanted.length === 0 ? "Choose what to vary." : `${lengths.join(" × ")} = ${cells.toLocaleString()} ${cells === 1 ? "cell" : "cells"}`;
      if (cells > settings.cells) words += `; at most ${settings.cells}`;
      go.disabled = waiting !== null || wanted.length === 0 || cells > settings.cells;
    } catch (error) {
      words = error.message;
      go.disabled = true;
    }
    count.textContent = words;
  }

  /** Only the server knows what all the widgets hold: it answers with the value. */
  function collect() {
    waiting = { turn: (turn += 1), axes: read() };
    update();
    trigger("collect", { turn, varied: waiting.axes.map((axis) => axis.parameter) });
  }

  watch("value", async () => {
    const answer = props.value;
    if (!answer || waiting === null || answer.turn !== waiting.turn) return;
    const wanted = waiting;
    props.value = null;
    let problem = answer.fault ?? "";
    if (problem === "") {
      try {
        const grid = await postJSON("api/grids", { title: title.value, params: answer.params, axes: wanted.axes });
        madeLast(grid.id);
        toast(`A grid of ${grid.total.toLocaleString()} is in the queue.`, "good");
        showTab("queue");
      } catch (error) {
        problem = error.message;
      }
    }
    waiting = null;
    update();
    say(problem);
  });
}
