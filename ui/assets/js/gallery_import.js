/** Reading the parameters back out of a picture file: by dropping it anywhere on the tab, or choosing it. */
import { upload } from "./api.js";
import { copyText } from "./clipboard.js";
import { sendTo } from "./courier.js";
import { openDialog } from "./dialog.js";
import { h, icon, on } from "./dom.js";
import { factList } from "./fact_list.js";
import { bytes } from "./format.js";
import { facts } from "./picture.js";
import { toast } from "./toast.js";

const SOURCES = { studio: "a picture of this studio", a1111: "settings written by A1111 or a program like it", engine: "settings written by the engine" };

export class GalleryImport {
  #depth = 0;
  #isOwn = false;
  #busy = false;

  /**
   * @param {number} most bytes of a file
   * @param {function(): boolean} isInSight whether drops are meant for the history
   */
  constructor(most, isInSight) {
    this.most = most;
    this.isInSight = isInSight;
    this.file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true, "aria-label": "Picture to read the parameters of",
      onchange: () => {
        this.read(this.file.files[0]);
        this.file.value = ""; // the same file again is a change, too
      } });
    const label = "Read parameters from a picture";
    this.button = h("button", { class: "st-button", type: "button", title: `${label}: choose it here, or drop it anywhere on this page`,
      "aria-label": label, onclick: () => this.file.click() }, icon("upload"), h("span", { class: "st-wide-word" }, "Read a picture"));
    this.veil = h("div", { class: "st-gallery-veil", hidden: true }, icon("image"), h("span", {}, "Drop a picture to read its parameters"));
    this.#listen();
  }

  #listen() {
    // Pictures of the page itself can be dragged, too: those are not meant.
    on(document, "dragstart", () => (this.#isOwn = true));
    on(document, "dragend", () => (this.#isOwn = false));
    on(document, "dragenter dragover dragleave drop", (event) => {
      if (this.#isOwn || !this.isInSight() || !event.dataTransfer?.types.includes("Files") || document.querySelector("dialog:modal")) return;
      event.preventDefault();
      if (event.type === "dragenter") this.#depth += 1;
      if (event.type === "dragleave") this.#depth -= 1;
      if (event.type === "drop") {
        this.#depth = 0;
        this.read(event.dataTransfer.files[0]);
      }
      this.veil.hidden = this.#depth <= 0;
    });
  }

  /** @param {File|undefined} file */
  async read(file) {
    if (file === undefined || this.#busy) return;
    if (file.size > this.most) {
      toast(`${file.name} has ${bytes(file.size)}; the limit is ${bytes(this.most)}.`, "bad");
      return;
    }
    this.#busy = true;
    this.button.disabled = true;
    try {
      showFound(file, await upload("api/import", { image: file }));
    } catch (error) {
      toast(error.message, "bad");
    } finally {
      this.#busy = false;
      this.button.disabled = false;
    }
  }
}

function showFound(file, { source, params, text }) {
  const picture = URL.createObjectURL(file);
  const has = Object.keys(params ?? {}).length > 0;
  const use = h("button", { class: "st-button st-primary", type: "button", onclick: () => {
    close();
    sendTo("txt2img", { params });
  } }, "Use in txt2img");
  const copy = h("button", { class: "st-button", type: "button", onclick: async () => {
    copy.lastChild.textContent = (await copyText(text)) ? "Copied" : "Copying is not allowed here";
  } }, icon("copy"), h("span", {}, "Copy text"));
  const words = has ? `Found ${SOURCES[source] ?? "settings"}.` : "There are no settings in this picture that can be read. Other programs and most websites take them out.";
  const { close, closed } = openDialog({
    title: file.name, wide: true, actions: [text && copy, has && use].filter(Boolean),
    body: h("div", { class: "st-found" }, h("img", { class: "st-found-picture", src: picture, alt: "The picture that was read" }),
      h("div", { class: "st-found-words" }, h("p", {}, words),
        params?.prompt && [h("p", { class: "st-label" }, "Prompt"), h("p", { class: "st-lightbox-prompt" }, params.prompt)],
        params?.negative_prompt && [h("p", { class: "st-label" }, "Negative prompt"), h("p", { class: "st-lightbox-prompt" }, params.negative_prompt)],
        factList(facts(params ?? {})),
        text && h("details", {}, h("summary", {}, "The text in the file"), h("pre", { class: "st-found-text" }, text)))),
  });
  if (has) use.focus();
  closed.then(() => URL.revokeObjectURL(picture));
}
