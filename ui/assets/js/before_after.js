/**
 * The result of an edit laid over the picture it came from, with a line to move between them.
 *
 * Before its first use it is shown; whoever switches it off or on does so for the pictures to come, too.
 */
import { getJSON } from "./api.js";
import { compareElement } from "./compare.js";
import { h, icon } from "./dom.js";
import { inputPath } from "./painter_source.js";

const KEY = "studio-before-after";
/** How CSS calls the ways in which an input is brought to the result's size. */
const FITS = { crop: "cover", pad: "contain", stretch: "fill" };

export class BeforeAfter {
  #isLarge = false;
  #isOn = recall();

  /**
   * @param {Object} item picture of an edit; `source` is the id of what it was made from
   * @param {HTMLElement} alone shows the result alone; hidden while both are compared
   */
  constructor(item, alone) {
    this.item = item;
    this.alone = alone;
    this.root = h("div", { class: "st-before-after", hidden: true });
    this.button = h("button", { class: "st-button st-small st-toggle", type: "button", "aria-label": "Before / after",
      title: "Lay the result over the picture it was made from", onclick: () => this.#toggle() },
      icon("swap"), h("span", { class: "st-shot-words" }, "Before / after"));
  }

  /** Only the latest pictures are large enough to compare. */
  enlarge(isLarge) {
    this.#isLarge = isLarge;
    this.button.hidden = !isLarge;
    this.#draw();
  }

  #toggle() {
    this.#isOn = !this.#isOn;
    keep(this.#isOn);
    this.#draw();
  }

  #draw() {
    const isShown = this.#isOn && this.#isLarge;
    this.button.setAttribute("aria-pressed", String(this.#isOn));
    if (isShown && this.root.firstChild === null) this.root.append(comparison(this.item));
    this.root.hidden = !isShown;
    this.alone.hidden = isShown;
  }
}

function comparison({ source, ...after }) {
  const { width, height } = after;
  const element = compareElement({ src: inputPath(source), label: "Before", width, height }, { ...after, label: "After" });
  const [stage, before, result] = ["stage", "a", "b"].map((part) => element.querySelector(`.st-compare-${part}`));
  // A job tells the size it was painted at; of a part, or with a second pass, the picture has another one.
  result.addEventListener("load", () => {
    const { naturalWidth, naturalHeight } = result;
    stage.style.setProperty("--shape", `${naturalWidth} / ${naturalHeight}`);
    stage.style.setProperty("--ratio", String(naturalWidth / naturalHeight));
    fit(before, after.job_id, naturalWidth);
  });
  return element;
}

/** Lay the source where the result has it: cut to its shape, or with room at the sides that grew. */
async function fit(picture, jobId, width) {
  picture.style.setProperty("object-fit", FITS.crop);
  try {
    const recipe = await getJSON(`api/queue/${encodeURIComponent(jobId)}/request`);
    const keepsSize = recipe.extend || recipe.inpaint_area === "masked";
    picture.style.setProperty("object-fit", keepsSize ? FITS.stretch : FITS[recipe.fit] ?? FITS.crop);
    // Padding in percent is of the width of what is around, at the upper and lower side too.
    for (const [side, pixels] of Object.entries(recipe.extend ?? {})) {
      picture.style.setProperty(`padding-${side}`, `${(100 * pixels) / width}%`);
    }
  } catch {
    // Then it lies as most do; the result beside it is right in any case.
  }
}

function keep(isOn) {
  try {
    localStorage.setItem(KEY, String(isOn));
  } catch {
    // Then it holds for this picture.
  }
}

function recall() {
  try {
    return localStorage.getItem(KEY) !== "false";
  } catch {
    return true;
  }
}
