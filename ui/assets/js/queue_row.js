/** One job in the queue's lists: made once, then kept up to date. */
import { button } from "./button.js";
import { cures } from "./cures.js";
import { h, icon } from "./dom.js";
import { duration, percent } from "./format.js";
import { cancel, duplicate, look, move, retry } from "./queue_deeds.js";
import { openJob } from "./queue_detail.js";
import { STATUSES, about, doing, ended, promptOf, shortPrompt, waiting } from "./queue_words.js";
import { thumbAddress } from "./picture.js";

/**
 * @typedef {Object} Around what a row shows besides its job
 * @property {number} place among those that wait, from 1
 * @property {number} total of those that wait
 * @property {number|undefined} start seconds until it may start
 * @property {boolean} paused
 * @property {boolean} selected
 */

export class JobRow {
  #drawn = "";

  /**
   * @param {{times: Object, select: function(string, boolean): void, say: function(string): void}} board
   */
  constructor(board) {
    this.board = board;
    this.job = null;
    this.around = {};
    this.root = h("li", { class: "st-job" });
  }

  /** @param {Object} job @param {Around} around */
  update(job, around) {
    const before = this.job;
    const isOther = before === null || before.status !== job.status;
    const was = this.#drawn;
    this.#drawn = JSON.stringify([around, job.updated_at, job.progress, job.step, job.phase, job.cancel_requested, job.image_ids, job.eta_seconds, job.attempts]);
    this.job = job;
    this.around = around;
    if (isOther) this.#build();
    if (isOther || was !== this.#drawn) this.#draw();
  }

  /** What changes with time alone. */
  tick() {
    if (this.job?.status === "processing") this.#drawTimes();
  }

  // -- making -----------------------------------------------------------------------------------------------

  #build() {
    const { job } = this;
    this.root.dataset.id = job.id;
    this.root.dataset.status = job.status;
    this.check = h("input", { type: "checkbox", class: "st-check", "aria-label": `Select: ${shortPrompt(job)}`,
      onchange: () => this.board.select(this.job.id, this.check.checked) });
    this.badge = h("span", { class: "st-badge", "data-status": job.status }, STATUSES[job.status]);
    this.words = h("span", { class: "st-job-words" });
    this.prompt = h("button", { class: "st-job-prompt", type: "button", title: "Show the details", onclick: () => openJob(this.job) }, promptOf(job));
    this.more = h("div", { class: "st-job-more" });
    this.thumb = h("div", { class: "st-job-thumb" });
    this.root.replaceChildren(this.#lead(), this.thumb,
      h("div", { class: "st-job-body" },
        h("div", { class: "st-job-head" }, job.status !== "pending" && this.badge, this.words),
        this.prompt, h("div", { class: "st-job-about" }, about(job)), this.more),
      h("div", { class: "st-job-deeds", role: "group", "aria-label": `What to do with: ${shortPrompt(job)}` }, this.#deeds()));
    this.#drawThumb();
  }

  /** Before the picture: the box to select it with, and where it can be taken to move it. */
  #lead() {
    this.place = h("span", { class: "st-job-place" });
    const tick = h("label", { class: "st-job-check" }, this.check);
    if (this.job.status !== "pending") return h("div", { class: "st-job-lead" }, tick);
    const grip = h("button", { class: "st-grip", type: "button", "data-grip": "", title: "Drag to another place; or press Space, then the arrow keys" }, icon("grip"), this.place);
    this.grip = grip;
    return h("div", { class: "st-job-lead" }, grip, tick);
  }

  #deeds() {
    const { job } = this;
    const change = this.#small("copy", "Change", "Duplicate with changes: opens its settings in the form", () => duplicate(this.job));
    const details = this.#small("info", "Details", "Details", () => openJob(this.job));
    if (job.status === "processing") {
      this.stop = button("stop", "Cancel", () => this.#cancel(), { name: `Cancel: ${shortPrompt(job)}` });
      return [this.stop, change, details];
    }
    if (job.status === "pending") {
      this.first = this.#small("to-top", "To the front", "To the front", () => this.#move("front"), "admin");
      this.up = this.#small("arrow-up", "One up", "One up", () => this.#move("up"), "admin");
      this.down = this.#small("arrow-down", "One down", "One down", () => this.#move("down"), "admin");
      this.last = this.#small("to-top", "To the back", "To the back", () => this.#move("back"), "admin");
      this.last.classList.add("st-upside-down");
      return [this.first, this.up, this.down, this.last, change, details, this.#small("close", "Cancel", "Cancel", () => this.#cancel())];
    }
    const again = job.status === "completed"
      ? this.#small("retry", "Run again", "Run it again: the same seed gives the same picture", () => retry([this.job]))
      : button("retry", "Try again", () => retry([this.job]), { name: `Try again: ${shortPrompt(job)}` });
    return [again, change, details];
  }

  #small(drawing, label, name, onclick, needs = null) {
    return button(drawing, label, onclick, { words: false, name, needs });
  }

  // -- drawing ----------------------------------------------------------------------------------------------

  #draw() {
    const { job, around } = this;
    this.check.checked = around.selected;
    this.root.classList.toggle("st-selected", around.selected);
    if (job.status === "pending") this.#drawPending();
    else if (job.status === "processing") this.#drawRunning();
    else this.#drawOver();
  }

  #drawPending() {
    const { job, around } = this;
    this.place.textContent = String(around.place);
    this.grip.setAttribute("aria-label", `Move: ${shortPrompt(job)}. Place ${around.place} of ${around.total}`);
    this.words.textContent = waiting(job, around);
    for (const deed of [this.first, this.up]) deed.disabled = around.place === 1;
    for (const deed of [this.down, this.last]) deed.disabled = around.place === around.total;
  }

  #drawRunning() {
    const { job } = this;
    if (this.more.childElementCount === 0) {
      this.fill = h("span", { class: "st-fill" });
      this.track = h("span", { class: "st-track", role: "progressbar", "aria-label": `Progress: ${shortPrompt(job)}`, "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);
      this.times = h("span", { class: "st-job-times" });
      this.share = h("strong", { class: "st-job-share" });
      this.more.append(this.track, h("div", { class: "st-job-line" }, this.share, this.times));
    }
    const share = job.progress ?? 0;
    this.words.textContent = doing(job);
    this.share.textContent = percent(share);
    this.fill.style.setProperty("transform", `scaleX(${share})`);
    this.track.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.stop.disabled = Boolean(job.cancel_requested);
    this.#drawTimes();
  }

  #drawTimes() {
    const { times } = this.board;
    const left = times.left(this.job);
    const text = [`${duration(times.elapsed(this.job))} so far`, left !== null && `about ${duration(left)} left`].filter(Boolean).join(" · ");
    if (this.times.textContent !== text) this.times.textContent = text;
  }

  #drawOver() {
    const { job } = this;
    this.words.textContent = ended(job);
    if (job.status === "failed") {
      const [first] = cures(job);
      this.more.replaceChildren(h("p", { class: "st-job-error" }, job.error ?? "No reason was given."), first && h("p", { class: "st-job-cure" }, first.text));
    }
    this.#drawThumb();
  }

  #drawThumb() {
    const { job } = this;
    const [first, ...others] = job.image_ids ?? [];
    const source = first === undefined ? job.source_image_id && `api/inputs/${job.source_image_id}?thumb=128` : thumbAddress({ id: first }, 128);
    const shown = `${source} ${others.length}`;
    if (this.thumb.dataset.shown === shown) return;
    this.thumb.dataset.shown = shown;
    if (!source) {
      // A picture to come has its room; where there was none to begin with, words have it.
      this.thumb.replaceChildren(...(job.status === "processing" ? [icon("image")] : []));
      return;
    }
    const image = h("img", { src: source, alt: "", loading: "lazy", decoding: "async", onerror: () => this.thumb.replaceChildren(icon("image")) });
    if (first === undefined) {
      this.thumb.title = "The picture it starts from";
      this.thumb.replaceChildren(image);
      return;
    }
    this.thumb.title = "";
    const name = others.length > 0 ? `Show its ${others.length + 1} pictures: ${shortPrompt(job)}` : `Show the picture: ${shortPrompt(job)}`;
    this.thumb.replaceChildren(h("button", { class: "st-job-open", type: "button", title: "Show it large", "aria-label": name, onclick: () => look(this.job) },
      image, others.length > 0 && h("span", { class: "st-job-count", "aria-hidden": "true" }, `+${others.length}`)));
  }

  // -- doing ------------------------------------------------------------------------------------------------

  async #cancel() {
    const { job } = this;
    if (await cancel(job)) this.board.say(job.status === "processing" ? `Stopping: ${shortPrompt(job)}` : `Cancelled: ${shortPrompt(job)}`);
  }

  async #move(to) {
    const { job } = this;
    if (await move(job.id, to)) this.board.moved(job);
  }
}
