/** The painter's elements around its controls: the stage, the picture on it, and the words below. */
import { h, icon } from "./dom.js";

const HINT =
  "Arrow keys move the brush, Enter paints, Shift with an arrow paints a line. B brush, E eraser, " +
  "brackets change the size, Control Z undoes, plus and minus zoom.";

export class PainterView {
  /**
   * @param {import("./painter_toolbar.js").PainterToolbar} toolbar
   * @param {boolean} offersHistory
   * @param {function(): void} comeBack called to bring back what was left
   */
  constructor(toolbar, offersHistory, comeBack) {
    this.picture = h("img", { alt: "", draggable: "false" });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.sheet = h("div", { class: "st-painter-sheet" }, this.picture, this.canvas);
    this.frame = h("div", { class: "st-painter-frame" });
    this.circle = h("div", { class: "st-painter-circle", hidden: true });
    const empty = h(
      "div", { class: "st-painter-empty" },
      icon("image"), h("p", {}, "Drop, paste or choose a picture"), toolbar.starters(offersHistory),
    );
    this.stage = h(
      "div", { class: "st-painter-stage", "aria-label": "Picture and mask", "aria-description": HINT },
      this.frame, this.sheet, this.circle, empty,
    );
    this.status = h("p", { class: "st-painter-status", role: "status" });
    this.error = h("p", { class: "st-painter-error", role: "alert" });
    this.comeBack = h(
      "button", { type: "button", class: "st-painter-link", hidden: true, onclick: comeBack },
      icon("undo"), "Bring back the last picture and its mask",
    );
    this.root = h(
      "div", { class: "st-painter" },
      toolbar.top, this.stage, this.error,
      h("div", { class: "st-painter-below" }, this.status, this.comeBack), toolbar.bottom, toolbar.extension,
    );
    this.showOpen(null);
  }

  /** Lay out for a picture, or (null) for choosing one. @param {HTMLImageElement|null} picture decoded */
  showOpen(picture) {
    const isOpen = picture !== null;
    this.root.classList.toggle("st-painter-open", isOpen);
    this.stage.setAttribute("role", isOpen ? "application" : "group");
    if (isOpen) {
      this.stage.setAttribute("tabindex", "0");
      this.picture.replaceWith(picture);
      this.picture = picture;
    } else {
      this.stage.removeAttribute("tabindex");
      this.picture.removeAttribute("src");
    }
  }

  /** @param {boolean} isShown whether the mask covers the picture */
  showMask(isShown) {
    this.root.classList.toggle("st-painter-mask-hidden", !isShown);
  }

  /** @param {number} part 0 to 1 */
  setOpacity(part) {
    this.root.style.setProperty("--st-painter-opacity", part);
  }

  /** @param {boolean} isOver something that can be dropped is above */
  showDrop(isOver) {
    this.root.classList.toggle("st-painter-dropping", isOver);
  }

  /** Say what is being waited for. */
  showBusy(what) {
    this.root.classList.add("st-painter-busy");
    this.status.textContent = what;
  }

  /**
   * Say what there is.
   *
   * @param {{width: number, height: number}|null} image
   * @param {number} painted 0 to 1
   * @param {boolean} grows whether anything is added at its sides
   */
  showStatus(image, painted, grows) {
    this.root.classList.remove("st-painter-busy");
    const nothing = `nothing painted: ${grows ? "the picture stays, only its new sides are drawn" : "the whole picture changes"}`;
    const share = painted === 0 ? nothing : `${percentage(painted)} painted`;
    this.status.textContent = image === null ? "" : `${image.width} × ${image.height} · ${share}`;
  }

  /** @param {string|null} sentence what went wrong; null takes the last one away */
  showFault(sentence) {
    this.error.textContent = sentence ?? "";
  }
}

/** A share in words that never rounds something to nothing or to all. */
function percentage(part) {
  if (part < 0.001) return "under 0.1 %";
  return `${part > 0.999 && part < 1 ? "over 99.9" : (part * 100).toFixed(1)} %`;
}
