/** Everything about one job, in a dialog: how it stands, what to do about a fault, the request, the attempts. */
import { getJSON } from "./api.js";
import { button } from "./button.js";
import { copyText } from "./clipboard.js";
import { cures } from "./cures.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { subscribe } from "./events.js";
import { moment, percent } from "./format.js";
import { thumbAddress } from "./picture.js";
import { cancel, duplicate, look, retry } from "./queue_deeds.js";
import { webhookLines } from "./queue_webhooks.js";
import { OUTCOMES, STATUSES, doing, ended, span } from "./queue_words.js";
import { requestTable } from "./request_table.js";
import { showTab } from "./tabs.js";
import { toast } from "./toast.js";

const NEWS = new Set(["job_updated", "job_completed", "job_failed", "job_cancelled"]);

/** @param {Object} job @returns {Promise<void>} kept when it is closed */
export async function openJob(job) {
  const detail = new JobDetail(job);
  const stop = subscribe((name, data) => {
    if (NEWS.has(name) && data.job.id === job.id) detail.update(data.job);
    else if (name === "webhooks_changed" && data.job_id === job.id) detail.load();
    else if (name === "caught_up") detail.load();
  });
  detail.load();
  await detail.closed;
  stop();
}

class JobDetail {
  constructor(job) {
    this.job = job;
    this.request = null;
    this.attempts = null;
    this.state = h("section", { class: "st-detail-state" });
    this.fault = h("section", { class: "st-detail-fault" });
    this.pictures = h("section", { class: "st-detail-pictures" });
    this.asked = h("section", { class: "st-detail-request" }, h("p", { class: "st-muted" }, "Reading the request …"));
    this.tries = h("section", { class: "st-detail-attempts" });
    this.told = h("section", { class: "st-detail-webhooks" });
    this.deeds = h("div", { class: "st-detail-deeds" });
    const { close, closed } = openDialog({
      title: "Job details", wide: true, actions: [this.deeds],
      body: h("div", { class: "st-detail" }, this.state, this.fault, this.pictures, this.asked, this.tries, this.told),
    });
    this.close = close;
    this.closed = closed;
    this.draw();
  }

  async load() {
    const path = `api/queue/${encodeURIComponent(this.job.id)}`;
    try {
      const [job, request, attempts, webhooks] = await Promise.all([path, `${path}/request`, `${path}/attempts`, `${path}/webhooks`].map((each) => getJSON(each)));
      Object.assign(this, { job, attempts });
      this.told.replaceChildren(...webhookLines(webhooks));
      if (this.request === null) {
        this.request = request;
        this.#drawRequest();
      }
      this.draw();
      this.#drawAttempts();
    } catch (error) {
      if (this.request === null) this.asked.replaceChildren(h("p", { class: "st-error" }, error.message));
    }
  }

  /** @param {Object} job as it is now */
  update(job) {
    const isOther = job.status !== this.job.status || job.attempts !== this.job.attempts;
    this.job = job;
    this.draw();
    if (isOther) this.load();
  }

  draw() {
    const { job } = this;
    const now = { processing: () => [doing(job), percent(job.progress ?? 0)].join(" · "), pending: () => `Place ${job.position ?? "?"} in the queue` }[job.status] ?? (() => ended(job));
    const facts = [["Asked for", moment(job.created_at)], ["By", job.owner ?? ""], ["Begun", job.started_at === null ? "" : moment(job.started_at)],
      ["It took", span(job.started_at, job.completed_at)],
      ["Attempts", job.attempts > 1 ? String(job.attempts) : ""]];
    this.state.replaceChildren(
      h("div", { class: "st-job-head" }, h("span", { class: "st-badge", "data-status": job.status }, STATUSES[job.status]), h("span", {}, now())),
      h("dl", { class: "st-facts st-facts-row" }, facts.filter(([, value]) => value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      job.note ? h("p", { class: "st-job-note" }, job.note) : "");
    this.#drawFault();
    this.#drawPictures();
    this.#drawDeeds();
  }

  #drawFault() {
    const { job } = this;
    if (job.error === null || job.status === "completed" || job.status === "cancelled") {
      this.fault.replaceChildren();
      return;
    }
    const isOver = job.status === "failed";
    this.fault.replaceChildren(
      h("p", { class: "st-error" }, isOver ? "" : "It went wrong once and is tried again: ", job.error),
      isOver && h("h3", {}, "What may help"),
      isOver ? h("ul", { class: "st-cures" }, cures(job).map((cure) => h("li", {}, h("span", {}, cure.text), this.#deedOf(cure)))) : "");
  }

  #deedOf(cure) {
    if (cure.go) return button("chevron-right", cure.go.label, () => this.#leave(() => showTab(cure.go.tab)));
    if (cure.change) return button("copy", cure.change.label, () => this.#leave(() => duplicate(this.job, cure.change.change)));
    return null;
  }

  #drawPictures() {
    const { job } = this;
    const shown = JSON.stringify([job.source_image_id, job.control_image, job.image_ids]);
    if (this.pictures.dataset.shown === shown) return;
    this.pictures.dataset.shown = shown;
    const input = (id, words) => id && h("figure", {}, h("img", { src: `api/inputs/${id}?thumb=256`, alt: "", loading: "lazy" }), h("figcaption", {}, words));
    const given = [input(job.source_image_id, "Started from"), input(job.control_image, "Followed")];
    const made = job.image_ids.map((id, index) => h("button", { class: "st-job-open", type: "button", "aria-label": `Show picture ${index + 1} of ${job.image_ids.length}`, onclick: () => look(job, index) },
      h("img", { src: thumbAddress({ id }, 256), alt: "", loading: "lazy" })));
    const gone = job.status === "completed" && made.length === 0 && h("p", { class: "st-muted" }, "Its pictures were deleted.");
    this.pictures.replaceChildren(...[...given, ...made, gone].filter(Boolean));
  }

  #drawRequest() {
    const text = JSON.stringify(this.request, null, 2);
    const copy = async () => {
      if (await copyText(text)) toast("The request is in the clipboard.", "good");
      else toast("The browser refuses to copy; select the text instead.", "bad");
    };
    this.asked.replaceChildren(
      h("div", { class: "st-detail-title" }, h("h3", {}, "Request"), button("copy", "Copy as JSON", copy)),
      requestTable(this.request),
      h("p", { class: "st-muted st-detail-id" }, `Job ${this.job.id}`));
  }

  #drawAttempts() {
    const shown = JSON.stringify(this.attempts);
    if (this.tries.dataset.shown === shown) return;
    this.tries.dataset.shown = shown;
    if (this.attempts.length === 0) {
      this.tries.replaceChildren(h("h3", {}, "Attempts"), h("p", { class: "st-muted" }, "It was not begun yet."));
      return;
    }
    this.tries.replaceChildren(h("h3", {}, this.attempts.length === 1 ? "Attempt" : "Attempts"),
      h("ol", { class: "st-attempts" }, this.attempts.map((attempt) => this.#attempt(attempt))));
  }

  #attempt(attempt) {
    const badge = attempt.outcome === "lost" || attempt.outcome === "stopped" ? "cancelled" : attempt.outcome === "running" ? "processing" : attempt.outcome;
    const log = attempt.log_tail.trim();
    const isFailed = attempt.outcome === "failed";
    return h("li", {},
      h("div", { class: "st-job-head" }, h("strong", {}, `${attempt.number}.`), h("span", { class: "st-badge", "data-status": badge }, OUTCOMES[attempt.outcome] ?? attempt.outcome),
        h("span", {}, [moment(attempt.started_at), attempt.ended_at !== null && `took ${span(attempt.started_at, attempt.ended_at)}`].filter(Boolean).join(", "))),
      attempt.error && h("p", { class: "st-job-error" }, attempt.error),
      log === "" ? attempt.ended_at !== null && h("p", { class: "st-muted" }, "The engine printed nothing.")
        : h("details", { class: "st-log", open: isFailed }, h("summary", {}, "The engine's last lines"), h("pre", { tabindex: "0", "aria-label": "The engine's last lines" }, log)));
  }

  #drawDeeds() {
    const { job } = this;
    if (this.deeds.dataset.status === `${job.status} ${job.cancel_requested}`) return;
    this.deeds.dataset.status = `${job.status} ${job.cancel_requested}`;
    const change = button("copy", "Duplicate with changes", () => this.#leave(() => duplicate(this.job)));
    const isOver = !["pending", "processing"].includes(job.status);
    const main = isOver ? button("retry", job.status === "completed" ? "Run again" : "Try again", () => this.#leave(() => retry([this.job])))
      : button("stop", "Cancel the job", () => cancel(this.job), { kind: "st-danger" });
    main.disabled = Boolean(job.cancel_requested);
    this.deeds.replaceChildren(change, main);
  }

  /** Close, then do it: what it changes is behind this dialog. */
  #leave(deed) {
    this.close();
    deed();
  }
}
