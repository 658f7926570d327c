/**
 * The painter's controls: they call actions by name and show the state they are given. What they do is in
 * painter.js.
 */
import { h, icon, on } from "./dom.js";

export const SMALLEST_BRUSH = 1;
export const LARGEST_BRUSH = 1000;
/** The most the studio fades a mask's border over, in pixels; the slider ends where finer steps matter. */
export const MOST_FEATHER = 256;
const SLIDER_FEATHER = 64;
export const MOST_EXTENSION = 1024;
export const EXTENSION_STEP = 8;
const SIDES = ["left", "top", "right", "bottom"];

export class PainterToolbar {
  #buttons = {};

  /**
   * @param {Object<string, function(): void>} actions by name
   * @param {object} changes called with what was set: `size(px)`, `feather(px)`, `opacity(0..1)`,
   *   `colour([r, g, b])`, `extend(side, px)`, `mask(file)`, `picture(file)`
   * @param {boolean} offersHistory
   */
  constructor(actions, changes, offersHistory) {
    this.actions = actions;
    this.size = sizeControl(changes.size);
    this.feather = featherControl(changes.feather);
    this.percent = this.#button("actualSize", null, "Show at 100 % (1)", "100 %");
    this.percent.classList.add("st-painter-percent");
    this.sides = Object.fromEntries(SIDES.map((side) => [side, sideField(side, changes.extend)]));
    this.extended = h("output", { class: "st-painter-extended" });
    this.top = this.#top();
    this.bottom = this.#bottom(changes, offersHistory);
    this.extension = this.#extension();
  }

  #top() {
    const tool = (name, label, drawing, key) => this.#button(name, drawing, `${label} (${key})`);
    return h(
      "div", { class: "st-painter-bar", role: "toolbar", "aria-label": "Mask tools" },
      group("Tool", tool("brush", "Brush", "brush", "B"), tool("eraser", "Eraser", "eraser", "E")),
      this.size.element,
      group("History", tool("undo", "Undo", "undo", "Ctrl+Z"), tool("redo", "Redo", "redo", "Ctrl+Shift+Z")),
      group(
        "Whole mask",
        this.#button("clear", "trash", "Clear the mask; the picture stays"),
        tool("invert", "Invert the mask", "invert", "I"),
        this.#button("fill", "fill", "Paint everything"),
      ),
      group("Show", tool("toggleMask", "Show or hide the mask", "eye", "M")),
      h("span", { class: "st-painter-spacer" }),
      group(
        "Zoom",
        tool("zoomOut", "Zoom out", "minus", "−"), this.percent,
        tool("zoomIn", "Zoom in", "plus", "+"), tool("fitView", "Fit the picture in", "fit", "0"),
      ),
    );
  }

  #bottom(changes, offersHistory) {
    const maskFile = fileInput("image/png,image/jpeg,image/webp", "Mask file", changes.mask);
    const pictureFile = fileInput("image/png,image/jpeg,image/webp", "Picture file", changes.picture);
    Object.assign(this.actions, {
      chooseMask: () => maskFile.click(), chooseFile: () => pictureFile.click(),
    });
    const opacity = h("input", { type: "range", min: 15, max: 100, value: 55, "aria-label": "Mask opacity in percent" });
    const colour = h("input", { type: "color", value: "#26f0aa", "aria-label": "Mask colour", title: "Colour of the mask, here only" });
    on(opacity, "input", () => changes.opacity(opacity.value / 100));
    on(colour, "input", () => changes.colour([1, 3, 5].map((at) => parseInt(colour.value.slice(at, at + 2), 16))));
    return h(
      "div", { class: "st-painter-bar st-painter-options" },
      this.feather.element,
      h("label", { class: "st-painter-field", title: "How strongly the mask covers the picture here; it changes nothing in the result" }, "Opacity", opacity),
      h("span", { class: "st-painter-field" }, colour),
      group(
        "Mask file",
        this.#button("chooseMask", "upload", "Load a mask: white (or, if there is any, transparent) is repainted", "Load mask"),
        this.#button("saveMask", "download", "Save the mask as a PNG of the picture's size", "Save mask"),
      ),
      h("span", { class: "st-painter-spacer" }),
      group(
        "Picture",
        this.#button("chooseFile", "folder", "Choose another picture"),
        this.#button("webcam", "camera", "Take a picture with the webcam"),
        offersHistory && this.#button("choose", "history", "Choose a picture from the history"),
        this.#button("remove", "close", "Remove the picture"),
      ),
      maskFile, pictureFile,
    );
  }

  #extension() {
    const reset = h("button", { type: "button", class: "st-painter-button", onclick: () => this.actions.resetExtension() }, "Reset");
    return h(
      "details", { class: "st-painter-extension" },
      h("summary", {}, "Extend the picture (outpaint)", this.extended),
      h(
        "div", { class: "st-painter-row" },
        SIDES.map((side) => h("label", { class: "st-painter-field" }, side[0].toUpperCase() + side.slice(1), this.sides[side])),
        h("span", { class: "st-painter-unit" }, "pixels"), reset,
      ),
    );
  }

  /** A button for an action; its tooltip is also its name unless it has words of its own. */
  #button(name, drawing, title, words = null) {
    const button = h(
      "button", { type: "button", class: "st-painter-button", title, "aria-label": words === null ? title : null, "data-action": name,
        onclick: () => this.actions[name]() },
      drawing && icon(drawing), words,
    );
    this.#buttons[name] = button;
    return button;
  }

  /** The three ways to a picture, for the empty stage. */
  starters(offersHistory) {
    const way = (name, drawing, words, kind) =>
      h("button", { type: "button", class: kind, onclick: () => this.actions[name]() }, icon(drawing), words);
    return h(
      "div", { class: "st-painter-row" },
      way("chooseFile", "folder", "Choose file", "st-painter-primary"),
      way("webcam", "camera", "Webcam", "st-painter-button"),
      offersHistory && way("choose", "history", "From history", "st-painter-button"),
    );
  }

  /** @param {{erases, canUndo, canRedo, hasMask, isShown, size, feather, extend, extended}} state */
  show(state) {
    const buttons = this.#buttons;
    const press = (name, isOn) => buttons[name].setAttribute("aria-pressed", String(isOn));
    press("brush", !state.erases);
    press("eraser", state.erases);
    press("toggleMask", state.isShown);
    if (buttons.toggleMask.dataset.shown !== String(state.isShown)) {
      buttons.toggleMask.dataset.shown = String(state.isShown);
      buttons.toggleMask.replaceChildren(icon(state.isShown ? "eye" : "eye-off"));
    }
    this.#enable("undo", state.canUndo);
    this.#enable("redo", state.canRedo);
    this.#enable("clear", state.hasMask);
    this.#enable("saveMask", state.hasMask);
    this.size.show(state.size);
    this.feather.show(state.feather);
    for (const side of SIDES) this.sides[side].value = state.extend[side];
    this.extended.textContent = state.extended.text;
    this.extended.classList.toggle("st-painter-bad", state.extended.isTooLarge);
  }

  /** @param {number} scale CSS pixels per picture pixel */
  showScale(scale) {
    const percent = `${Math.round(scale * 100)} %`;
    this.percent.textContent = percent;
    this.percent.setAttribute("aria-label", `${percent}, show at 100 %`);
  }

  /** Off for the screen reader and the eye, yet focusable: a button that was just used keeps the focus. */
  #enable(name, isOn) {
    this.#buttons[name].setAttribute("aria-disabled", String(!isOn));
  }
}

function group(label, ...buttons) {
  return h("div", { class: "st-painter-group", role: "group", "aria-label": label }, buttons);
}

function fileInput(accept, label, onfile) {
  const input = h("input", { type: "file", accept, hidden: true, "aria-label": label });
  on(input, "change", () => {
    const [file] = input.files;
    input.value = ""; // else the same file twice would be no change
    if (file) onfile(file);
  });
  return input;
}

/** A slider with an exact number beside it; `place` and `at` turn a value into the slider's place and back. */
function slider({ label, title, range, number, place, at, onset }) {
  const track = h("input", { type: "range", step: 1, "aria-label": label, ...range });
  const field = h("input", { type: "number", step: 1, inputmode: "numeric", "aria-label": `${label} in pixels`, ...number });
  on(track, "input", () => onset(at(Number(track.value))));
  on(field, "change", () => onset(bounded(Number(field.value), number.min, number.max)));
  const show = (value) => {
    field.value = value;
    track.setAttribute("aria-valuetext", `${value} pixels`);
    // Small values lie several places apart: a slider that is being moved stays where it was put.
    if (at(Number(track.value)) !== value) track.value = place(value);
  };
  return { element: h("div", { class: "st-painter-field", title }, h("span", {}, label), track, field), show };
}

function sizeControl(onset) {
  const span = Math.log(LARGEST_BRUSH / SMALLEST_BRUSH);
  return slider({
    label: "Size", title: "Diameter of the brush in picture pixels ([ and ])", onset,
    range: { min: 0, max: 100 }, number: { min: SMALLEST_BRUSH, max: LARGEST_BRUSH },
    place: (size) => Math.round((Math.log(size / SMALLEST_BRUSH) / span) * 100),
    at: (position) => Math.round(SMALLEST_BRUSH * Math.exp((position / 100) * span)),
  });
}

function featherControl(onset) {
  return slider({
    label: "Feather", title: "Over how many pixels the repainted area fades into the kept one", onset,
    range: { min: 0, max: SLIDER_FEATHER }, number: { min: 0, max: MOST_FEATHER },
    place: (pixels) => Math.min(SLIDER_FEATHER, pixels), at: (position) => position,
  });
}

function sideField(side, onset) {
  const field = h("input", {
    type: "number", min: 0, max: MOST_EXTENSION, step: EXTENSION_STEP, value: 0, inputmode: "numeric",
    "aria-label": `Extend ${side} by pixels`,
  });
  on(field, "change", () => {
    const steps = Math.round(bounded(Number(field.value), 0, MOST_EXTENSION) / EXTENSION_STEP);
    onset(side, steps * EXTENSION_STEP);
  });
  return field;
}

/** @returns {number} a whole number within the limits; the lower one for what is no number */
export function bounded(value, least, most) {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : least;
}
