/**
 * The map that a control net follows: `props.value` is the id of the stored picture; null or "" for none.
 */
import { h, icon } from "./dom.js";
import { chooseFromHistory } from "./history_chooser.js";
import { inputPath, PainterSource } from "./painter_source.js";

const NONE = "Edges, depth or a pose, as this model's control net wants it";

/** @param {{element: HTMLElement, props: Object, watch: function, settings: Object}} component */
export function mount({ element, props, watch, settings }) {
  return new ControlPicture(element, props, watch, settings);
}

class ControlPicture {
  constructor(element, props, watch, settings) {
    this.props = props;
    this.label = settings.words;
    this.file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true, tabindex: "-1", "aria-label": `${this.label} file`,
      onchange: () => this.takeFile() });
    this.frame = h("div", { class: "st-control-frame" });
    this.words = h("p", { class: "st-help", role: "status" });
    this.fault = h("div", { class: "st-error", role: "alert", hidden: true });
    this.remove = button("close", "Remove", `Remove the ${this.label.toLowerCase()}`, () => this.set(null));
    this.root = h("div", { class: "st-control", role: "group", "aria-label": this.label },
      h("span", { class: "st-label" }, this.label),
      h("div", { class: "st-control-row" }, this.frame, h("div", { class: "st-control-ways" },
        button("upload", "File", `Open a ${this.label.toLowerCase()}`, () => this.file.click()),
        button("history", "History", `Take the ${this.label.toLowerCase()} from the history`, () => this.takeFromHistory()), this.remove)),
      this.words, this.fault, this.file);
    element.replaceChildren(this.root);
    this.source = new PainterSource({ open: async ({ id }) => this.set(id), busy: (what) => this.busy(what), fail: (why) => this.fail(why) }, settings.most_bytes);
    this.source.acceptDrops(this.root, (isOver) => this.root.classList.toggle("st-control-over", isOver));
    watch("value", () => this.draw());
    this.draw();
  }

  get id() {
    // Gradio gives an empty text for no value.
    return this.props.value || null;
  }

  takeFile() {
    this.source.fromFile(this.file.files[0]);
    this.file.value = "";
  }

  async takeFromHistory() {
    const id = await chooseFromHistory();
    if (id !== null) await this.source.fromImage(id);
  }

  set(id) {
    this.props.value = id;
    this.fail(null);
    this.draw();
  }

  draw() {
    const { id } = this;
    this.remove.hidden = id === null;
    this.busy(null);
    if (id === this.frame.dataset.id) return;
    this.frame.dataset.id = id ?? "";
    this.frame.hidden = id === null;
    this.frame.replaceChildren(...(id === null ? [] : [h("img", { src: `${inputPath(id)}?thumb=256`, alt: this.label, onerror: () => this.#gone(id) })]));
  }

  /** It was kept by the browser, or asked for again, and nothing stores it any more. */
  #gone(id) {
    if (id !== this.id) return;
    this.set(null);
    this.fail("That picture is not there any more. Choose another one.");
  }

  busy(what) {
    this.root.setAttribute("aria-busy", String(what !== null));
    this.words.textContent = what ?? (this.id === null ? NONE : "");
    this.words.hidden = this.words.textContent === "";
  }

  fail(why) {
    this.fault.hidden = why === null;
    this.fault.textContent = why ?? "";
  }
}

function button(drawing, label, title, onclick) {
  return h("button", { class: "st-button st-small", type: "button", title, "aria-label": title, onclick }, icon(drawing), h("span", {}, label));
}
