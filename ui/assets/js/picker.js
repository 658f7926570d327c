/**
 * A place for one picture: `props.value` is `{id, width, height}` or null. From Python: `{"open": {...}}`,
 * `{"open_image": id}` of the history, or None.
 */
import { h, icon } from "./dom.js";
import { chooseFromHistory } from "./history_chooser.js";
import { PainterMemory } from "./painter_memory.js";
import { inputPath, PainterSource } from "./painter_source.js";

/** @param {{element: HTMLElement, props: Object, watch: function}} component */
export function mount({ element, props, watch }) {
  return new Picker(element, props, watch);
}

class Picker {
  constructor(element, props, watch) {
    this.props = props;
    this.memory = new PainterMemory(props.memory);
    this.file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true, tabindex: "-1", onchange: () => this.takeFile() });
    this.frame = h("div", { class: "st-picker-frame" });
    this.words = h("span", { class: "st-muted" });
    this.fault = h("div", { class: "st-error", role: "alert", hidden: true });
    this.open = button("upload", "Open a file", () => this.file.click());
    this.webcam = button("camera", "Webcam", () => this.source.fromWebcam());
    this.history = button("history", "From history", () => this.takeFromHistory());
    this.remove = h("button", { class: "st-button st-icon-only", type: "button", "aria-label": "Remove the picture", title: "Remove the picture", onclick: () => this.set(null) }, icon("close"));
    this.root = h("div", { class: "st-picker", role: "group", "aria-label": "Picture to start from" },
      this.frame, this.fault, h("div", { class: "st-picker-bar" }, this.open, this.webcam, this.history, this.words, this.remove), this.file);
    element.replaceChildren(this.root);
    this.source = new PainterSource({ open: (picture) => this.show(picture), busy: (what) => this.busy(what), fail: (why) => this.fail(why) }, props.most_bytes);
    this.source.acceptDrops(this.root, (isOver) => this.root.classList.toggle("st-picker-over", isOver));
    this.source.acceptPastes(this.root);
    watch("value", () => this.receive(this.props.value));
    this.draw(null);
    this.receive(props.value || this.recalled());
  }

  recalled() {
    const picture = this.memory.recall()?.image;
    return picture ? { open: picture } : null;
  }

  /** What Python set; what was set here comes back unchanged. */
  async receive(value) {
    if (value?.open) await this.source.fromInput(value.open);
    else if (value?.open_image) await this.source.fromImage(value.open_image);
    else if (value?.id) this.draw(value);
    else this.draw(null);
  }

  takeFile() {
    this.source.fromFile(this.file.files[0]);
    this.file.value = "";
  }

  async takeFromHistory() {
    const id = await chooseFromHistory();
    if (id !== null) await this.source.fromImage(id);
  }

  async show({ id, width, height }) {
    const probe = h("img", { src: thumb(id), alt: "" });
    try {
      await probe.decode();
    } catch {
      this.set(null);
      throw new Error("That picture is not there any more. Choose another one.");
    }
    this.set({ id, width, height });
  }

  set(picture) {
    this.props.value = picture;
    this.memory.keep({ image: picture });
    this.draw(picture);
  }

  draw(picture) {
    this.fail(null);
    this.remove.hidden = picture === null;
    this.words.textContent = picture === null ? "" : `${picture.width} × ${picture.height}`;
    this.frame.replaceChildren(picture === null
      ? h("p", { class: "st-muted" }, icon("image"), "Drop, paste or open the picture to start from")
      : h("img", { src: thumb(picture.id), alt: "The picture to start from" }));
  }

  busy(what) {
    this.root.setAttribute("aria-busy", String(what !== null));
    if (what !== null) this.words.textContent = what;
    else if (!this.props.value) this.words.textContent = "";
  }

  fail(why) {
    this.fault.hidden = why === null;
    this.fault.textContent = why ?? "";
  }
}

function thumb(id) {
  return `${inputPath(id)}?thumb=512`;
}

function button(drawing, label, onclick) {
  return h("button", { class: "st-button", type: "button", onclick }, icon(drawing), h("span", {}, label));
}
