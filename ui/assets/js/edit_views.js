/**
 * The switch between the edit tab's two views: the painter, and what came of it.
 *
 * `props.value` is the painter's aim in a word, and the picture's id: "paint 5f…", see `aim`. A picture that was
 * opened is there to be painted on, so it brings the painter into view; a job that was submitted brings the
 * result.
 */
import { h, icon, on } from "./dom.js";

const VIEWS = { paint: ["brush", "Paint"], result: ["image", "Result"] };
const KEY = "studio-edit-view";
const SUBMITTED = "studio:edit-submitted";

/**
 * What a painter's value asks for.
 *
 * @param {{image: {id: string}|null, mask: string|null, extend: Object<string, number>}|null} painting
 * @returns {string} "none", "wait" while a picture is on its way, or "whole", "paint", "extend" or "both" and the
 *   id of the picture
 */
export function aim(painting) {
  if (painting?.waiting || painting?.open || painting?.open_image) return "wait";
  if (!painting?.image) return "none";
  const grows = Object.values(painting.extend ?? {}).some((pixels) => pixels > 0);
  const word = painting.mask === null ? (grows ? "extend" : "whole") : grows ? "both" : "paint";
  return `${word} ${painting.image.id}`;
}

/** Tell the switch that a job was submitted. */
export function submitted() {
  document.dispatchEvent(new Event(SUBMITTED));
}

/** @param {{element: HTMLElement, props: Object, watch: function}} component */
export function mount({ element, props, watch }) {
  const kept = recall();
  const buttons = Object.entries(VIEWS).map(([name, [drawing, label]]) =>
    h("button", { type: "button", "data-view": name, onclick: () => show(name) }, icon(drawing), label));
  const root = h("div", { class: "st-views", role: "group", "aria-label": "What to look at" }, buttons);
  element.replaceChildren(root);
  let picture = kept.picture;

  function show(view) {
    root.dataset.view = view;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === view));
    keep({ view, picture });
  }

  watch("value", () => {
    if (props.value === "wait") return;
    const id = props.value.split(" ")[1] ?? null;
    const isOther = id !== picture;
    picture = id;
    if (id !== null) show(isOther ? "paint" : root.dataset.view);
  });
  on(document, SUBMITTED, () => {
    // On a phone the button lies far below; what is shown now has another height, so first look, then show.
    const { top } = root.getBoundingClientRect();
    show("result");
    if (top < 0 || top > innerHeight / 2) root.scrollIntoView();
  });
  show(kept.view);
}

function keep(what) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(what));
  } catch {
    // Then a reload starts with the painter.
  }
}

function recall() {
  try {
    const { view, picture } = JSON.parse(sessionStorage.getItem(KEY));
    return { view: view in VIEWS ? view : "paint", picture };
  } catch {
    return { view: "paint", picture: null };
  }
}
