/**
 * Pictures for the model to look at besides the one that is edited: `props.value` is a list of
 * `{id, width, height}`, or null for none.
 */
import { h, icon } from "./dom.js";
import { chooseFromHistory } from "./history_chooser.js";
import { PainterMemory } from "./painter_memory.js";
import { inputPath, PainterSource } from "./painter_source.js";

/** @param {{element: HTMLElement, props: Object, watch: function}} component */
export function mount({ element, props, watch }) {
  return new References(element, props, watch);
}

class References {
  constructor(element, props, watch) {
    this.props = props;
    this.memory = new PainterMemory(props.memory);
    this.file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true, tabindex: "-1", "aria-label": "Reference picture file",
      onchange: () => this.takeFile() });
    this.words = h("span", { class: "st-muted", role: "status" });
    this.fault = h("div", { class: "st-error", role: "alert", hidden: true });
    this.list = h("ul", { class: "st-references-row", "aria-label": "Reference pictures" });
    this.add = h("li", { class: "st-references-add" },
      button("plus", "File", "Add a picture file", () => this.file.click()),
      button("history", "History", "Add a picture of the history", () => this.takeFromHistory()));
    this.root = h("div", { class: "st-references", role: "group", "aria-label": "Reference pictures" },
      h("div", { class: "st-references-head" }, h("strong", {}, "Reference pictures"), this.words), this.list, this.fault, this.file);
    element.replaceChildren(this.root);
    this.source = new PainterSource({ open: (picture) => this.take(picture), busy: (what) => this.busy(what), fail: (why) => this.fail(why) }, props.most_bytes);
    this.source.acceptDrops(this.root, (isOver) => this.root.classList.toggle("st-references-over", isOver));
    watch("value", () => this.draw());
    const kept = this.memory.recall()?.image;
    if (!props.value && Array.isArray(kept)) this.set(kept);
    else this.draw();
  }

  get pictures() {
    // Gradio gives an empty text for no value.
    return Array.isArray(this.props.value) ? this.props.value : [];
  }

  takeFile() {
    this.source.fromFile(this.file.files[0]);
    this.file.value = "";
  }

  async takeFromHistory() {
    const id = await chooseFromHistory();
    if (id !== null) await this.source.fromImage(id);
  }

  async take({ id, width, height }) {
    if (this.pictures.some((picture) => picture.id === id)) throw new Error("That picture is among them already.");
    if (this.pictures.length >= this.props.most) throw new Error(`The model looks at ${this.props.most} pictures at most. Remove one first.`);
    this.set([...this.pictures, { id, width, height }]);
  }

  set(pictures) {
    this.props.value = pictures.length === 0 ? null : pictures;
    this.memory.keep({ image: this.props.value });
    this.draw();
  }

  draw() {
    const { pictures } = this;
    this.fail(null);
    this.busy(null);
    this.add.hidden = pictures.length >= this.props.most;
    this.list.replaceChildren(...pictures.map((picture, place) => this.#picture(picture, place)), this.add);
  }

  #picture({ id }, place) {
    const name = `Remove reference picture ${place + 1}`;
    // A picture that is no longer stored can't be sent either.
    const image = h("img", { src: `${inputPath(id)}?thumb=256`, alt: `Reference picture ${place + 1}`, onerror: () => this.#drop(id) });
    return h("li", {}, image, h("button", { type: "button", class: "st-references-remove", "aria-label": name, title: name, onclick: () => this.#drop(id) }, icon("close")));
  }

  #drop(id) {
    this.set(this.pictures.filter((picture) => picture.id !== id));
  }

  busy(what) {
    this.root.setAttribute("aria-busy", String(what !== null));
    this.words.textContent = what ?? `${this.pictures.length} of ${this.props.most}: the model looks at them, say in the prompt what for`;
  }

  fail(why) {
    this.fault.hidden = why === null;
    this.fault.textContent = why ?? "";
  }
}

function button(drawing, label, title, onclick) {
  return h("button", { class: "st-button st-small", type: "button", title, "aria-label": title, onclick }, icon(drawing), h("span", {}, label));
}
