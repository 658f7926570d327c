/** Getting a model's missing files: the button, how far they are, stopping, going on, and what went wrong. */
import { postJSON, send } from "./api.js";
import { button } from "./button.js";
import { h } from "./dom.js";
import { bytes, duration, percent } from "./format.js";
import { toast } from "./toast.js";

const BUSY = ["queued", "running", "checking"];
const BEGUN = ["cancelled", "interrupted", "failed"];

export class ModelDownload {
  #drawn = "";

  /** @param {string} id of the model */
  constructor(id) {
    this.id = id;
    this.model = null;
    this.download = null;
    this.begin = button("download", "Download", () => this.#begin(), { needs: "admin" });
    this.cancel = button("close", "Cancel", () => this.#cancel(false), { needs: "admin" });
    this.discard = button("trash", "Discard", () => this.#cancel(true), { kind: "st-danger", needs: "admin" });
    this.words = h("p", { class: "st-muted" });
    this.error = h("p", { class: "st-error", role: "alert" });
    this.fill = h("span", { class: "st-fill" });
    this.track = h("div", { class: "st-track", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);
    this.root = h("div", { class: "st-model-download", hidden: true }, this.error, this.track, this.words,
      h("div", { class: "st-model-download-deeds" }, this.begin, this.cancel, this.discard));
  }

  /** @param {Object} model as GET /api/models tells it */
  update(model) {
    this.model = model;
    this.hear(model.download);
  }

  /** @param {Object|null} download in its latest state */
  hear(download) {
    if (download !== null && this.download !== null && download.id === this.download.id && download.updated_at < this.download.updated_at) return;
    this.download = download;
    const drawn = JSON.stringify([download, this.model.missing.length, this.model.obtainable, this.model.name]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#draw();
  }

  #draw() {
    const { model, download } = this;
    const isMissing = model.missing.length > 0;
    const busy = download !== null && BUSY.includes(download.state);
    const begun = isMissing && download !== null && BEGUN.includes(download.state) && download.done_bytes > 0;
    this.root.hidden = !busy && !(isMissing && model.obtainable > 0);
    const share = busy || begun ? fraction(download) : null;
    this.track.hidden = !(busy || begun);
    this.fill.style.setProperty("transform", `scaleX(${share ?? 0})`);
    if (share === null) this.track.removeAttribute("aria-valuenow");
    else this.track.setAttribute("aria-valuenow", String(Math.floor(share * 100)));
    this.track.setAttribute("aria-label", `Download of ${model.name}`);
    this.error.textContent = isMissing && download?.state === "failed" ? download.error : "";
    this.error.hidden = this.error.textContent === "";
    this.words.textContent = busy ? progress(download) : begun ? `${bytes(download.done_bytes)}${of(download)} are kept from the last try.` : offer(model);
    this.words.hidden = this.words.textContent === "";
    this.#label(this.begin, begun ? "Resume" : download?.state === "failed" ? "Try again" : "Download", !busy);
    this.#label(this.cancel, "Cancel", busy);
    this.#label(this.discard, "Discard", begun);
    this.discard.title = "Remove what came so far";
  }

  #label(control, words, isShown) {
    control.hidden = !isShown;
    control.querySelector("span").textContent = words;
    control.setAttribute("aria-label", `${words} ${words === "Download" ? "" : "the download of "}${this.model.name}`);
  }

  async #begin() {
    await this.#ask(this.begin, () => postJSON("api/models/download", { model: this.id }));
  }

  async #cancel(discard) {
    const path = `api/models/download/${encodeURIComponent(this.download.id)}${discard ? "?discard=true" : ""}`;
    await this.#ask(discard ? this.discard : this.cancel, () => send("DELETE", path));
  }

  async #ask(control, request) {
    control.disabled = true;
    try {
      this.hear(await request());
    } catch (error) {
      toast(error.message, "bad");
    } finally {
      control.disabled = false;
    }
  }
}

function fraction(download) {
  return download.total_bytes === null || download.total_bytes === 0 ? null : Math.min(1, download.done_bytes / download.total_bytes);
}

function of(download) {
  return download.total_bytes === null ? "" : ` of ${bytes(download.total_bytes)}`;
}

function progress(download) {
  if (download.state === "queued") return "Waiting: two models are downloaded at a time.";
  if (download.state === "checking") return "Checking what came …";
  const share = fraction(download);
  const left = download.speed !== null && download.total_bytes !== null ? (download.total_bytes - download.done_bytes) / download.speed : null;
  const parts = [share === null ? "" : percent(share), `${bytes(download.done_bytes)}${of(download)}`,
    download.speed === null ? "" : `${bytes(download.speed)}/s`, left === null ? "" : `${duration(left)} left`];
  return parts.filter(Boolean).join(" · ");
}

function offer(model) {
  const rest = model.missing.length - model.obtainable;
  const size = model.download_bytes === null ? "" : `${bytes(model.download_bytes)}. `;
  return rest > 0 ? `${size}Of ${rest === 1 ? "one missing file" : `${rest} missing files`} nobody said where to get it.` : size.trim();
}
