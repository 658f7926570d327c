/**
 * The mask painter: a picture, the mask painted on it, and what the page gets of both.
 *
 * `props.value` is always complete and new, at the end of each stroke and after each other change:
 * `{image: {id, width, height} | null, mask: PNG data address | null, painted: 0..1, feather: pixels,
 * extend: {left, top, right, bottom}, waiting: whether another picture is on its way}`. Writing it takes some
 * 20 ms at 24 million pixels, so nothing is put off. From Python: `{"open": {id, width, height}}` or `{"open_image": id}` opens a picture with an empty
 * mask, a value of the shape above restores it, and None closes the picture.
 *
 * Events: Gradio raises `change` by itself when the value changes; `choose` asks for a picture from elsewhere.
 */
import { address } from "./api.js";
import { h, on } from "./dom.js";
import { decoded, MaskCanvas } from "./mask_canvas.js";
import { listenForKeys } from "./painter_keys.js";
import { PainterMemory } from "./painter_memory.js";
import { PainterPointer } from "./painter_pointer.js";
import { inputPath, PainterSource } from "./painter_source.js";
import { bounded, LARGEST_BRUSH, MOST_FEATHER, PainterToolbar, SMALLEST_BRUSH } from "./painter_toolbar.js";
import { PainterView } from "./painter_view.js";
import { Viewport } from "./viewport.js";

const FLUSH = "st-painter-flush";
const NO_EXTENSION = Object.freeze({ left: 0, top: 0, right: 0, bottom: 0 });
/** A new picture gets a brush of this part of its longer side. */
const BRUSH_SHARE = 1 / 16;
const BRUSH_STEP = 1.2;
const ZOOM_STEP = 1.25;

/** Make every painter's value current now, in the middle of a stroke too; for a handler about to read it. */
export function flush() {
  document.dispatchEvent(new Event(FLUSH));
}

/** @param {{element: HTMLElement, props: object, trigger: function, watch: function}} component of gr.HTML */
export function mount({ element, props, trigger, watch }) {
  return new Painter(element.querySelector(".st-element") ?? element, props, trigger, watch);
}

class Painter {
  #image = null;
  #extend = { ...NO_EXTENSION };
  #feather;
  #isShown = true;
  /** The value as it was written last. */
  #written = null;
  /** The value with the mask that was left for another picture. */
  #left = null;
  #opening = 0;
  #isWaiting = false;

  constructor(parent, props, trigger, watch) {
    this.props = props;
    this.#feather = props.feather;
    this.brush = { size: 48, erases: false };
    this.actions = this.#actions(trigger);
    this.toolbar = new PainterToolbar(this.actions, this.#changes(), props.offers_history);
    this.view = new PainterView(this.toolbar, props.offers_history, () => this.#comeBack());
    parent.replaceChildren(this.view.root);
    this.mask = new MaskCanvas(this.view.canvas, () => this.#commit());
    this.viewport = new Viewport(this.view.stage, this.view.sheet, this.view.frame, () => this.#showScale());
    this.pointer = new PainterPointer(this.view, this.viewport, this.mask, this.brush);
    this.source = new PainterSource(this.#receiver(), props.most_bytes);
    this.source.acceptDrops(this.view.root, (isOver) => this.view.showDrop(isOver));
    this.source.acceptPastes(this.view.root);
    this.memory = new PainterMemory(props.memory);
    listenForKeys(this);
    this.#listenForReaders();
    watch("value", () => this.#receive(this.props.value));
    this.#refresh();
    if (props.value) this.#receive(props.value);
    else this.#recall();
  }

  get isOpen() {
    return this.#image !== null;
  }

  /** What the buttons and keys do, by name. */
  #actions(trigger) {
    const tool = (erases) => () => {
      this.brush.erases = erases;
      this.#refresh();
    };
    return {
      brush: tool(false), eraser: tool(true),
      smaller: () => this.#setSize(Math.min(this.brush.size - 1, this.brush.size / BRUSH_STEP)),
      larger: () => this.#setSize(Math.max(this.brush.size + 1, this.brush.size * BRUSH_STEP)),
      undo: () => this.mask.undo(), redo: () => this.mask.redo(),
      clear: () => this.mask.toDataURL() !== null && this.mask.clear(),
      invert: () => this.mask.invert(), fill: () => this.mask.fill(),
      toggleMask: () => {
        this.#isShown = !this.#isShown;
        this.#refresh();
      },
      zoomIn: () => this.viewport.zoomBy(ZOOM_STEP), zoomOut: () => this.viewport.zoomBy(1 / ZOOM_STEP),
      fitView: () => this.viewport.fit(), actualSize: () => this.viewport.actualSize(),
      saveMask: () => this.mask.toDataURL() !== null && this.mask.save(), webcam: () => this.source.fromWebcam(),
      choose: () => trigger("choose"), remove: () => this.#close(),
      resetExtension: () => this.#setExtension(NO_EXTENSION),
    };
  }

  #changes() {
    return {
      size: (pixels) => this.#setSize(pixels),
      feather: (pixels) => {
        this.#feather = bounded(pixels, 0, MOST_FEATHER);
        this.#commit();
      },
      opacity: (part) => this.view.setOpacity(part),
      colour: (colour) => this.mask.setColour(colour),
      extend: (side, pixels) => this.#setExtension({ ...this.#extend, [side]: pixels }),
      mask: (file) => this.#loadMask(file),
      picture: (file) => this.source.fromFile(file),
    };
  }

  #receiver() {
    return {
      open: (picture) => this.#open(picture),
      busy: (what) => this.#wait(what),
      fail: (sentence) => this.view.showFault(sentence),
    };
  }

  /** Those who read the value get it with the stroke that is still being painted. */
  #listenForReaders() {
    const life = new AbortController();
    const write = ({ target }) => {
      if (!this.view.root.isConnected) life.abort();
      else if (this.mask.isPainting && !(target instanceof Element && this.view.stage.contains(target))) this.#commit();
    };
    on(document, `${FLUSH} pointerdown`, write, { capture: true, signal: life.signal });
    on(document, "keydown", () => this.mask.isPainting && this.#commit(), { capture: true, signal: life.signal });
    on(window, "blur", write, { signal: life.signal });
  }

  // Pictures.

  /** What Python set. What this painter wrote itself changes nothing. */
  async #receive(value) {
    if (value?.image && value.image.id === this.#image?.id && value.mask === this.#written.mask) return;
    if (value?.open) await this.source.fromInput(value.open);
    else if (value?.open_image) await this.source.fromImage(value.open_image);
    else if (value?.image) await this.source.fromInput({ ...value.image, painting: value });
    else if (this.isOpen) this.#close();
  }

  /** Go on where a reload of the page interrupted; a picture that is gone is no fault of the person. */
  async #recall() {
    const value = this.memory.recall();
    if (value?.image) await this.source.fromInput({ ...value.image, painting: value });
    if (!this.isOpen) this.view.showFault(null);
  }

  /** The picture and what was painted on it come at once: nobody can send one without the other. */
  async #open({ id, width, height, painting = {} }) {
    const turn = (this.#opening += 1);
    const picture = h("img", { src: address(inputPath(id)), alt: "", draggable: "false" });
    try {
      await picture.decode();
    } catch {
      throw new Error("That picture can't be shown. It may have been removed; choose it again.");
    }
    const mask = painting.mask ? await decoded(await (await fetch(painting.mask)).blob()) : null;
    if (turn !== this.#opening) return; // another one was opened meanwhile
    this.#leave();
    this.#image = { id, width, height };
    this.#extend = { ...NO_EXTENSION, ...painting.extend };
    this.#feather = bounded(painting.feather ?? this.#feather, 0, MOST_FEATHER);
    this.mask.open(width, height, mask);
    this.pointer.enabled = true;
    this.view.showOpen(picture);
    this.viewport.open(width, height, this.#extend);
    this.#setSize(Math.max(width, height) * BRUSH_SHARE);
    this.#isWaiting = false;
    this.#commit();
  }

  #close() {
    this.#opening += 1;
    this.#leave();
    this.#image = null;
    this.#extend = { ...NO_EXTENSION };
    this.mask.open(1, 1);
    this.pointer.enabled = false;
    this.view.showOpen(null);
    this.view.showFault(null);
    this.#commit();
  }

  /** A painted mask is work: the one that is being left can be brought back. */
  #leave() {
    if (this.#written?.mask) this.#left = this.#written;
    this.view.comeBack.hidden = this.#left === null;
  }

  #comeBack() {
    const left = this.#left;
    this.#left = null;
    this.source.fromInput({ ...left.image, painting: left });
  }

  // The mask's file.

  async #loadMask(file) {
    this.view.showFault(null);
    try {
      await this.mask.load(file);
    } catch (fault) {
      this.view.showFault(fault.message);
    }
  }

  // Settings.

  #setSize(pixels) {
    this.brush.size = bounded(pixels, SMALLEST_BRUSH, LARGEST_BRUSH);
    this.#refresh();
  }

  #setExtension(extend) {
    this.#extend = { ...extend };
    this.viewport.extend(this.#extend);
    this.#commit();
  }

  // What is shown and handed on.

  /** Another picture is on its way (a sentence about it), or no longer (null). What is kept stays as it was. */
  #wait(what) {
    if (this.#isWaiting !== (what !== null)) {
      this.#isWaiting = what !== null;
      this.#write();
    }
    if (what === null) this.#showStatus();
    else this.view.showBusy(what);
  }

  #commit() {
    this.#write();
    this.memory.keep(this.#written);
    this.#refresh();
  }

  #write() {
    const mask = this.isOpen ? this.mask.toDataURL() : null;
    this.#written = {
      image: this.#image && { ...this.#image },
      mask,
      painted: mask === null ? 0 : this.mask.painted,
      feather: this.#feather,
      extend: { ...this.#extend },
      waiting: this.#isWaiting,
    };
    this.props.value = this.#written;
  }

  #refresh() {
    this.view.showMask(this.#isShown);
    this.toolbar.show({
      ...this.brush, canUndo: this.mask.canUndo, canRedo: this.mask.canRedo, hasMask: this.#painted > 0,
      isShown: this.#isShown, feather: this.#feather, extend: this.#extend, extended: this.#extended(),
    });
    this.#showScale();
    this.#showStatus();
  }

  get #painted() {
    return this.#written?.painted ?? 0;
  }

  #showStatus() {
    this.view.showStatus(this.#image, this.#painted, Object.values(this.#extend).some((pixels) => pixels > 0));
  }

  #showScale() {
    this.pointer?.refreshCircle();
    this.toolbar.showScale(this.viewport.scale);
  }

  /** The size with the extension, in words, and whether the studio takes it. */
  #extended() {
    const { left, top, right, bottom } = this.#extend;
    if (!this.isOpen || left + top + right + bottom === 0) return { text: "", isTooLarge: false };
    const width = this.#image.width + left + right;
    const height = this.#image.height + top + bottom;
    const most = this.props.most_side;
    const isTooLarge = width > most || height > most;
    const size = `${this.#image.width}×${this.#image.height} → ${width}×${height}`;
    return { text: isTooLarge ? `${size}: each side must stay within ${most}` : size, isTooLarge };
  }
}
