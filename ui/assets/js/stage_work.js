/** What a form's jobs are busy with: the running one, those that wait, and those that failed. */
import { postJSON, send } from "./api.js";
import { cure } from "./cures.js";
import { h, icon } from "./dom.js";
import { duration, percent, phase } from "./format.js";
import { showTab } from "./tabs.js";
import { toast } from "./toast.js";

export class StageWork {
  /** @param {{add: function(string[]): void, drop: function(function(Object): boolean): void}} followed */
  constructor(followed) {
    this.followed = followed;
    this.words = h("strong", { class: "st-now-words" });
    this.prompt = h("span", { class: "st-now-prompt" });
    this.fill = h("span", { class: "st-fill" });
    this.track = h("span", { class: "st-track", role: "progressbar", "aria-label": "Progress of your picture", "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);
    this.cancel = button("stop", "Cancel", () => this.#cancel(this.running.id));
    this.now = h("div", { class: "st-now" }, h("div", { class: "st-now-line" }, this.words, this.cancel), this.track, this.prompt);
    this.queue = h("ol", { class: "st-waiting-list" });
    this.queueWords = h("summary", {});
    this.waiting = h("details", { class: "st-waiting" }, this.queueWords, this.queue);
    this.failures = h("div", { class: "st-failures" });
    this.root = h("div", { class: "st-stage-work" }, this.now, this.waiting, this.failures);
    /** The job in hand, or the next one. */
    this.running = null;
  }

  /** @param {Object[]} jobs newest first */
  draw(jobs) {
    const pending = jobs.filter((job) => job.status === "pending").reverse();
    // Before anything runs, the one that comes next stands in its place.
    this.running = jobs.find((job) => job.status === "processing") ?? pending.shift() ?? null;
    this.now.hidden = this.running === null;
    if (this.running !== null) this.#drawNow(this.running);
    this.#drawWaiting(pending);
    const failed = jobs.filter((job) => job.status === "failed");
    keep(this.failures, failed, (job) => this.#failure(job));
  }

  #drawNow(job) {
    const share = job.progress ?? 0;
    const left = duration(job.eta_seconds);
    const place = job.status === "pending" && job.position > 1 ? `${job.position - 1} before it` : "";
    const parts = [job.cancel_requested ? "Stopping" : phase(job), job.status === "processing" && percent(share), left && `${left} left`, place];
    this.words.textContent = parts.filter(Boolean).join(" · ");
    this.prompt.textContent = job.prompt;
    this.fill.style.setProperty("transform", `scaleX(${share})`);
    this.track.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.cancel.disabled = Boolean(job.cancel_requested);
  }

  #drawWaiting(pending) {
    this.waiting.hidden = pending.length === 0;
    this.queueWords.textContent = pending.length === 1 ? "1 more waits" : `${pending.length} more wait`;
    keep(this.queue, pending, (job) => h("li", {}, h("span", { class: "st-waiting-prompt" }, job.prompt || "(no prompt)"),
      button("close", "Cancel", () => this.#cancel(job.id), "st-icon-only", `Cancel: ${job.prompt}`)));
  }

  #failure(job) {
    const { text, tab } = cure(job);
    return h("div", { class: "st-error st-failure", role: "alert" },
      h("div", { class: "st-failure-head" }, icon("warning"), h("strong", {}, "This one failed")),
      h("p", { class: "st-failure-prompt" }, job.prompt),
      h("p", {}, job.error ?? "No reason was given."),
      text !== "" && h("p", {}, text),
      h("div", { class: "st-failure-bar" },
        button("retry", "Retry", () => this.#retry(job)),
        tab !== null && button("info", tab === "models" ? "Models" : "Details", () => showTab(tab)),
        button("close", "Dismiss", () => this.followed.drop((other) => other.id === job.id))));
  }

  async #cancel(id) {
    try {
      await send("DELETE", `api/queue/${encodeURIComponent(id)}`);
    } catch (error) {
      toast(error.message, "bad");
    }
    this.followed.load([id]);
  }

  async #retry(job) {
    try {
      const { job_id: id } = await postJSON(`api/queue/${encodeURIComponent(job.id)}/retry`, {});
      this.followed.drop((other) => other.id === job.id);
      this.followed.add([id]);
    } catch (error) {
      toast(error.message, "bad");
    }
  }
}

/** Have `parent` hold one child for each job, made once and moved into order. */
function keep(parent, jobs, make) {
  const known = new Map([...parent.children].map((child) => [child.dataset.job, child]));
  const children = jobs.map((job) => {
    const child = known.get(job.id) ?? make(job);
    child.dataset.job = job.id;
    return child;
  });
  const isSame = children.length === parent.children.length && children.every((child, index) => child === parent.children[index]);
  if (!isSame) parent.replaceChildren(...children);
}

function button(drawing, label, onclick, more = "", name = label) {
  return h("button", { class: `st-button st-small ${more}`, type: "button", title: name, "aria-label": name, onclick },
    icon(drawing), more === "" && h("span", {}, label));
}
