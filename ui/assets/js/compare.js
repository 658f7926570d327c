/**
 * Two pictures, one over the other, and a line that is moved between them: by mouse, finger or arrow keys.
 *
 * @typedef {{id?: string, src?: string, label?: string, width?: number, height?: number, prompt?: string}} Side
 *   an item of the library, or an address and what it is called
 */
import { openDialog } from "./dialog.js";
import { h, icon, on } from "./dom.js";
import { caption, pictureAddress } from "./picture.js";

/**
 * An element for anywhere on the page, for example before and after an edit.
 *
 * @param {Side} a shown on the left of the line
 * @param {Side} b on the right
 * @returns {HTMLElement}
 */
export function compareElement(a, b) {
  const range = h("input", { class: "st-compare-range", type: "range", min: "0", max: "100", step: "0.5", value: "50",
    "aria-label": "How much of each picture is shown" });
  const left = picture(a, "st-compare-a");
  const right = picture(b, "st-compare-b");
  const stage = h("div", { class: "st-compare-stage" }, right, left,
    range, h("span", { class: "st-compare-line", "aria-hidden": "true" }, h("span", { class: "st-compare-knob" }, icon("swap"))),
    label(a, "Left", "a"), label(b, "Right", "b"));
  const root = h("div", { class: "st-compare" }, stage);
  shape(stage, a.width, a.height);
  if (!(a.width > 0)) left.addEventListener("load", () => shape(stage, left.naturalWidth, left.naturalHeight));

  const draw = () => {
    stage.style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${Math.round(range.value)} % ${nameOf(a, "left")}`);
  };
  range.addEventListener("input", draw);
  follow(stage, (share) => {
    range.value = String(share * 100);
    draw();
  }, range);
  draw();
  return root;
}

/**
 * The same in a dialog, with a button that swaps the sides.
 *
 * @param {Side} a
 * @param {Side} b
 * @returns {Promise<void>} kept when it is closed
 */
export function openCompare(a, b) {
  const place = h("div", {}, compareElement(a, b));
  let sides = [a, b];
  const swap = h("button", { class: "st-button", type: "button", onclick: () => {
    sides = sides.reverse();
    place.replaceChildren(compareElement(...sides));
  } }, icon("swap"), "Swap");
  const { dialog, closed } = openDialog({ title: "Compare", body: place, actions: [swap], wide: true });
  dialog.classList.add("st-compare-dialog");
  dialog.querySelector(".st-compare-range").focus();
  return closed;
}

function picture(side, className) {
  return h("img", { class: className, src: side.src ?? pictureAddress(side), alt: side.label ?? caption(side), draggable: "false" });
}

function label(side, otherwise, which) {
  return h("span", { class: `st-compare-label st-compare-label-${which}` }, nameOf(side, otherwise));
}

function nameOf(side, otherwise) {
  if (side.label !== undefined) return side.label;
  return side.seed === undefined ? otherwise : `${side.model} · seed ${side.seed}`;
}

function shape(stage, width, height) {
  if (!(width > 0 && height > 0)) return;
  stage.style.setProperty("--shape", `${width} / ${height}`);
  stage.style.setProperty("--ratio", String(width / height));
}

/** The line follows the pointer; a finger that moves up or down still scrolls the page. */
function follow(stage, move, range) {
  let held = null;
  const to = (event) => {
    const box = stage.getBoundingClientRect();
    move(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  on(stage, "pointerdown", (event) => {
    if (event.button !== 0) return;
    held = event.pointerId;
    stage.setPointerCapture(held);
    event.preventDefault();
    range.focus({ preventScroll: true });
    to(event);
  });
  on(stage, "pointermove", (event) => {
    if (event.pointerId === held) to(event);
  });
  on(stage, "pointerup pointercancel", () => (held = null));
}
