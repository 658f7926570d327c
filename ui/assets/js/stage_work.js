/** What a form's jobs are busy with: the running one, those that wait, and those that failed. */
import { postJSON, send } from "./api.js";
import { cure } from "./cures.js";
import { h, icon } from "./dom.js";
import { duration, percent, phase } from "./format.js";
import { pictures } from "./picture.js";
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
    this.clear = button("close", "Clear the stage", () => this.followed.drop((job) => job.status !== "failed"));
    this.clear.title = "The pictures stay in the history";
    this.toggle = h("button", { class: "st-link", type: "button", "aria-expanded": "false", onclick: () => this.#showQueue(this.queue.hidden) });
    this.queue = h("ol", { class: "st-waiting-list", hidden: true });
    this.now = h("div", { class: "st-now" }, h("div", { class: "st-now-line" }, this.words, this.cancel, this.clear), this.track,
      h("div", { class: "st-now-line" }, this.prompt, this.toggle), this.queue);
    this.failures = h("div", { class: "st-failures" });
    this.root = h("div", { class: "st-stage-work" }, this.now, this.failures);
    /** The job in hand, or the next one. */
    this.running = null;
  }

  /** The box stays while there is anything on the stage, so that the pictures below keep their place. */
  draw(jobs) {
    const pending = jobs.filter((job) => job.status === "pending").reverse();
    const done = jobs.filter((job) => job.status === "completed");
    const failed = jobs.filter((job) => job.status === "failed");
    // Before anything runs, the one that comes next stands in its place.
    this.running = jobs.find((job) => job.status === "processing") ?? pending.shift() ?? null;
    this.now.hidden = this.running === null && done.length === 0;
    this.now.dataset.state = this.running === null ? "done" : "busy";
    this.cancel.hidden = this.running === null;
    this.clear.hidden = this.running !== null;
    if (this.running !== null) this.#drawRunning(this.running);
    else if (done.length > 0) this.#drawDone(done);
    this.#drawQueue(pending);
    keep(this.failures, failed, (job) => this.#failure(job));
  }

  #drawRunning(job) {
    const share = job.progress ?? 0;
    const left = duration(job.eta_seconds);
    const place = job.status === "pending" && job.position > 1 ? `${job.position - 1} before it` : "";
    const parts = [job.cancel_requested ? "Stopping" : phase(job), job.status === "processing" && percent(share), left && `${left} left`, place];
    this.words.textContent = parts.filter(Boolean).join(" · ");
    this.prompt.textContent = job.prompt;
    this.#fillTo(share);
    this.cancel.disabled = Boolean(job.cancel_requested);
  }

  #drawDone(done) {
    const made = done.reduce((sum, job) => sum + (job.image_ids ?? []).length, 0);
    this.words.textContent = `${pictures(made)} ready`;
    this.prompt.textContent = done[0].prompt;
    this.#fillTo(1);
  }

  #fillTo(share) {
    this.fill.style.setProperty("transform", `scaleX(${share})`);
    this.track.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  }

  #drawQueue(pending) {
    this.toggle.hidden = pending.length === 0;
    this.toggle.textContent = pending.length === 1 ? "1 more waits" : `${pending.length} more wait`;
    if (pending.length === 0) this.#showQueue(false);
    keep(this.queue, pending, (job) => h("li", {}, h("span", { class: "st-waiting-prompt" }, job.prompt || "(no prompt)"),
      button("close", "Cancel", () => this.#cancel(job.id), "st-icon-only", `Cancel: ${job.prompt}`)));
  }

  #showQueue(isShown) {
    this.queue.hidden = !isShown;
    this.toggle.setAttribute("aria-expanded", String(isShown));
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
