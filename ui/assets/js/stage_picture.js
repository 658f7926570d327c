/** A picture on the stage, with what can be done with it. */
import { BeforeAfter } from "./before_after.js";
import { sendTo } from "./courier.js";
import { h, icon } from "./dom.js";
import { field, write } from "./field.js";
import { caption, pictureAddress, thumbAddress } from "./picture.js";
import { mark } from "./picture_deeds.js";
import { toast } from "./toast.js";
import { openUpscale } from "./upscale_dialog.js";

export class StagePicture {
  /**
   * @param {Object} item of the library
   * @param {{form: string, open: function(Object): void, vary: function(string): void}} stage
   */
  constructor(item, stage) {
    this.item = item;
    this.stage = stage;
    this.image = h("img", { alt: caption(item), draggable: "true", decoding: "async", onload: () => this.#measure() });
    this.open = h("button", { class: "st-shot-open", type: "button", title: caption(item, 400), "aria-label": `Open: ${caption(item)}`, onclick: () => stage.open(item) }, this.image);
    this.comparison = stage.form === "edit" && item.source ? new BeforeAfter(item, this.open) : null;
    this.heart = this.#button("heart", "Favourite", () => this.#favour());
    this.root = h("figure", { class: "st-shot", "data-id": item.id }, this.open, this.comparison?.root,
      h("figcaption", { class: "st-shot-bar", role: "group", "aria-label": "What to do with it" }, this.#deeds(),
        this.#button("expand", "Upscale", () => openUpscale(this.item)), this.heart));
    this.#lay(item.width, item.height);
    this.showHeart();
  }

  /** Show it as the latest one, or small among the earlier ones. */
  enlarge(isLarge) {
    const source = isLarge ? pictureAddress(this.item) : thumbAddress(this.item, 320);
    if (this.image.getAttribute("src") !== source) this.image.src = source;
    this.isLarge = isLarge;
    this.comparison?.enlarge(isLarge);
  }

  /** A job tells the size it was painted at: of a part, or before a second pass, the picture has another one. */
  #measure() {
    const { naturalWidth, naturalHeight } = this.image;
    if (this.isLarge) this.#lay(naturalWidth, naturalHeight);
  }

  /** @param {number} width in pixels of the whole picture @param {number} height */
  #lay(width, height) {
    Object.assign(this.item, { width, height });
    Object.assign(this.image, { width, height });
    this.root.style.setProperty("--st-ratio", String(width / height));
    this.root.style.setProperty("--st-width", `${width}px`);
  }

  take(changes) {
    Object.assign(this.item, changes);
    this.showHeart();
  }

  showHeart() {
    const { favourite } = this.item;
    this.heart.setAttribute("aria-pressed", String(favourite));
    const label = favourite ? "Remove from favourites" : "Add to favourites";
    this.heart.title = label;
    this.heart.setAttribute("aria-label", label);
  }

  #deeds() {
    const { item, stage } = this;
    if (stage.form === "variations") {
      return [
        this.#button("retry", "Vary again", () => stage.vary(item.id)),
        this.#button("to-top", "Use as source", () => sendTo("variations", { image_id: item.id })),
        this.#button("brush", "Edit", () => sendTo("edit", { image_id: item.id })),
      ];
    }
    if (stage.form === "edit") {
      return [
        this.comparison?.button,
        this.#button("brush", "Use as source", () => sendTo("edit", { image_id: item.id, picture_only: true })),
        this.#button("grid", "Variations", () => sendTo("variations", { image_id: item.id })),
        this.#button("seed", "Reuse seed", () => this.#reuseSeed()),
      ];
    }
    return [
      this.#button("brush", "Edit", () => sendTo("edit", { image_id: item.id })),
      this.#button("grid", "Variations", () => sendTo("variations", { image_id: item.id })),
      this.#button("seed", "Reuse seed", () => this.#reuseSeed()),
    ];
  }

  #reuseSeed() {
    write(field(this.stage.form, "seed"), this.item.seed);
    toast(`Seed ${this.item.seed} is in the form.`, "good");
  }

  async #favour() {
    const favourite = !this.item.favourite;
    this.take({ favourite });
    try {
      await mark(this.item.id, { favourite });
    } catch (error) {
      this.take({ favourite: !favourite });
      toast(error.message, "bad");
    }
  }

  #button(drawing, label, onclick) {
    return h("button", { class: "st-button st-small", type: "button", title: label, "aria-label": label, onclick },
      icon(drawing), h("span", { class: "st-shot-words" }, label));
  }
}
