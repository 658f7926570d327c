/** Presets: named sets of prompt and settings, kept by the studio. */
import { getJSON, send } from "./api.js";
import { confirmed, openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { toast } from "./toast.js";

const NEWS = "studio:presets";
const LONGEST = 80;

/** @param {{element: HTMLElement, props: Object, trigger: function, watch: function}} component */
export function mount({ element, props, trigger, watch }) {
  const list = h("ul", { class: "st-presets", "aria-label": "Presets" });
  const name = h("input", { class: "st-input", type: "text", maxlength: LONGEST, placeholder: "Name of a new preset", "aria-label": "Name of a new preset" });
  const save = h("button", { class: "st-button", type: "submit" }, "Save");
  const form = h("form", { class: "st-preset-new", "data-needs": "admin", onsubmit: begin }, name, save);
  element.replaceChildren(h("div", { class: "st-preset-box" }, list, form));
  let known = [];
  let saving = null;

  async function load() {
    try {
      known = await getJSON("api/presets");
      draw();
    } catch (error) {
      list.replaceChildren(h("li", { class: "st-muted" }, error.message));
    }
  }

  function draw() {
    if (known.length === 0) {
      list.replaceChildren(h("li", { class: "st-muted" }, "None yet. Give what the form holds now a name to keep it."));
      return;
    }
    list.replaceChildren(...known.map((preset) => h("li", { "data-name": preset.name },
      h("button", { class: "st-preset-apply", type: "button", title: hint(preset), onclick: () => apply(preset) }, preset.name),
      button("copy", `Replace ${preset.name} by what the form holds now`, () => replace(preset)),
      button("tag", `Rename ${preset.name}`, () => rename(preset)),
      button("trash", `Delete ${preset.name}`, () => remove(preset)))));
  }

  function apply(preset) {
    trigger("apply", { params: preset.params });
    toast(`${preset.name} is in the form.`, "good");
  }

  function begin(event) {
    event.preventDefault();
    const wanted = name.value.trim();
    if (wanted === "") return name.focus();
    const taken = known.find((preset) => preset.name.toLowerCase() === wanted.toLowerCase());
    return taken === undefined ? collect(wanted) : replace(taken);
  }

  async function replace(preset) {
    if (await confirmed({ title: `Replace ${preset.name}?`, text: "It will hold what the form holds now.", action: "Replace" })) collect(preset.name);
  }

  /** Only the server knows what all the widgets hold: it answers with the value. */
  function collect(wanted) {
    saving = wanted;
    trigger("collect");
  }

  watch("value", async () => {
    const params = props.value?.collected;
    if (!params || saving === null) return;
    const wanted = saving;
    saving = null;
    props.value = null;
    await attempt(async () => {
      await send("PUT", path(wanted), params);
      name.value = "";
      toast(`Saved as ${wanted}.`, "good");
    });
  });

  function rename(preset) {
    const field = h("input", { class: "st-input", type: "text", value: preset.name, maxlength: LONGEST, "aria-label": "New name" });
    const done = h("button", { class: "st-button st-primary", type: "submit" }, "Rename");
    const inner = h("form", { class: "st-preset-new", onsubmit: async (event) => {
      event.preventDefault();
      const wanted = field.value.trim();
      if (wanted === "") return;
      close();
      if (wanted !== preset.name) await attempt(() => send("PATCH", path(preset.name), { name: wanted }));
    } }, field, done);
    const { close } = openDialog({ title: `Rename ${preset.name}`, body: inner });
    field.select();
  }

  async function remove(preset) {
    const sure = await confirmed({ title: `Delete ${preset.name}?`, text: "It is gone for everybody who uses this studio.", action: "Delete", danger: true });
    if (sure) await attempt(() => send("DELETE", path(preset.name)));
  }

  /** Do something to the presets, then have every form show them anew. */
  async function attempt(deed) {
    try {
      await deed();
    } catch (error) {
      toast(error.message, "bad");
    }
    document.dispatchEvent(new Event(NEWS));
  }

  document.addEventListener(NEWS, load);
  load();
}

function button(drawing, label, onclick) {
  return h("button", { class: "st-button st-icon-only", type: "button", "data-needs": "admin", "aria-label": label, title: label, onclick }, icon(drawing));
}

function path(name) {
  return `api/presets/${encodeURIComponent(name)}`;
}

function hint({ params }) {
  const parts = [params.prompt, params.model, params.steps && `${params.steps} steps`];
  return parts.filter(Boolean).join(" · ").slice(0, 300);
}
