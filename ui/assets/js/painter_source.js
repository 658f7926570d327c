/**
 * Where the picture comes from: a file, a drop, the clipboard, the webcam, or one this studio already has.
 * Each way ends as an input picture of the studio, `{id, width, height}`; only its id travels on.
 */
import { address, postJSON, upload } from "./api.js";
import { on } from "./dom.js";
import { takePicture } from "./webcam.js";

const NOT_A_PICTURE = "That is not a picture. Choose a PNG, JPEG or WEBP file.";
const READABLE = new Set(["image/png", "image/jpeg", "image/webp"]);
const MEBIBYTE = 2 ** 20;

/** @typedef {{id: string, width: number, height: number}} InputPicture */

/** The address of an input picture. */
export function inputPath(id) {
  return `api/inputs/${encodeURIComponent(id)}`;
}

export class PainterSource {
  #turn = 0;

  /**
   * @param {object} owner
   * @param {function(InputPicture): Promise<void>} owner.open shows a picture
   * @param {function(string|null): void} owner.busy says what is being waited for, null: nothing
   * @param {function(string|null): void} owner.fail says what went wrong, null: nothing
   * @param {number} mostBytes the studio's limit on a picture's file
   */
  constructor({ open, busy, fail }, mostBytes) {
    Object.assign(this, { open, busy, fail, mostBytes });
  }

  /** @param {Blob|undefined} file */
  fromFile(file) {
    if (!file) return Promise.resolve();
    return this.#run("Uploading the picture…", () => this.#upload(file));
  }

  /** A picture of the history, by its id. */
  fromImage(imageId) {
    return this.#run("Opening the picture…", () => postJSON("api/inputs/from-image", { image_id: imageId }));
  }

  /** An input picture; its size is looked up if it is not given. */
  fromInput(picture) {
    return this.#run("Opening the picture…", () => (picture.width > 0 && picture.height > 0 ? picture : measured(picture.id)));
  }

  async fromWebcam() {
    this.fail(null);
    try {
      const photo = await takePicture();
      if (photo !== null) await this.fromFile(photo);
    } catch (fault) {
      this.fail(fault.message);
    }
  }

  /** What was dropped or pasted: a file, or a picture of this page by its address. */
  fromTransfer(transfer) {
    const file = [...transfer.files].find((each) => each.type.startsWith("image/")) ?? transfer.files[0];
    const known = knownPicture(transfer.getData("text/uri-list"));
    if (known?.imageId) return this.fromImage(known.imageId);
    if (known?.inputId) return this.fromInput({ id: known.inputId });
    if (file) return this.fromFile(file);
    this.fail("Only picture files and pictures of this studio can be dropped here. Save that picture first, then drop its file.");
    return Promise.resolve();
  }

  /** Take drops on `target`. `onhover` hears whether something droppable is above it. */
  acceptDrops(target, onhover) {
    const carries = (event) => [...event.dataTransfer.types].some((type) => type === "Files" || type === "text/uri-list");
    let depth = 0;
    const hover = (change) => onhover((depth = Math.max(0, depth + change)) > 0);
    on(target, "dragenter", (event) => carries(event) && (event.preventDefault(), hover(+1)));
    on(target, "dragleave", (event) => carries(event) && hover(-1));
    on(target, "dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    });
    on(target, "drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      hover(-depth);
      this.fromTransfer(event.dataTransfer);
    });
  }

  /** Take pictures pasted anywhere on the page while `root` is in sight, but leave text to text fields. */
  acceptPastes(root) {
    const life = new AbortController();
    on(document, "paste", (event) => {
      if (!root.isConnected) return life.abort();
      const { clipboardData, target } = event;
      const hasPicture = [...(clipboardData?.files ?? [])].some((file) => file.type.startsWith("image/"));
      if (!hasPicture || event.defaultPrevented || root.getClientRects().length === 0) return undefined;
      const isTyping = target.closest?.("input, textarea, [contenteditable]") && clipboardData.getData("text/plain") !== "";
      if (isTyping || document.querySelector("dialog[open]")) return undefined;
      event.preventDefault();
      return this.fromTransfer(clipboardData);
    }, { signal: life.signal });
  }

  #upload(file) {
    if (file.type !== "" && !READABLE.has(file.type)) throw new Error(NOT_A_PICTURE);
    if (file.size > this.mostBytes) {
      const limit = Math.floor(this.mostBytes / MEBIBYTE);
      throw new Error(`That picture is ${Math.ceil(file.size / MEBIBYTE)} MB; the limit is ${limit} MB. Save it smaller or as JPEG.`);
    }
    return upload("api/inputs", { image: file });
  }

  /** Do one thing at a time for the screen: what was begun last wins, whatever answers first. */
  async #run(what, fetchPicture) {
    const turn = (this.#turn += 1);
    this.fail(null);
    this.busy(what);
    try {
      const picture = await fetchPicture();
      if (turn === this.#turn) await this.open(picture);
    } catch (fault) {
      if (turn === this.#turn) this.fail(fault.message);
    } finally {
      if (turn === this.#turn) this.busy(null);
    }
  }
}

/** Which picture of this studio an address means: `{imageId}`, `{inputId}` or null. */
function knownPicture(uriList) {
  const line = uriList.split(/\r?\n/).find((each) => each !== "" && !each.startsWith("#"));
  if (line === undefined || !URL.canParse(line, document.baseURI)) return null;
  const { origin, pathname } = new URL(line, document.baseURI);
  const api = new URL(address("api/"));
  if (origin !== api.origin || !pathname.startsWith(api.pathname)) return null;
  const [kind, id, ...more] = pathname.slice(api.pathname.length).split("/");
  if (!/^[\w-]+$/.test(id ?? "") || more.length > 0) return null;
  if (kind === "images") return { imageId: id };
  return kind === "inputs" ? { inputId: id } : null;
}

async function measured(id) {
  const image = new Image();
  image.src = address(inputPath(id));
  try {
    await image.decode();
  } catch {
    throw new Error("That picture is not there any more.");
  }
  return { id, width: image.naturalWidth, height: image.naturalHeight };
}
