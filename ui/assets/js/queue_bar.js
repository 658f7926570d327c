/** The head of the queue: pausing, cancelling many, what is selected, and which statuses are shown. */
import { button } from "./button.js";
import { h, icon } from "./dom.js";
import { cancelMany, cancelPending, jobs, pause, retry } from "./queue_deeds.js";
import { STATUSES } from "./queue_words.js";

export class QueueBar {
  #paused = null;

  /** @param {{filter: function(string|null): void, selected: function(): Object[], clear: function(): void, say: function(string): void}} board */
  constructor(board) {
    this.board = board;
    this.count = 0;
    this.pause = h("button", { class: "st-button", type: "button", "data-needs": "admin", "aria-label": "Pause the queue",
      title: "Begin no more jobs; the running one goes on to its end", onclick: () => this.#toggle() }, icon("pause"), h("span", {}, "Pause"));
    this.cancelAll = h("button", { class: "st-button", type: "button", onclick: () => this.#cancelAll() }, icon("close"), h("span", {}, "Cancel all waiting"));
    this.chips = new Map([null, ...Object.keys(STATUSES)].map((status) => [status, this.#chip(status)]));
    this.resume = button("play", "Resume", () => this.#toggle(), { kind: "st-primary", name: "Resume the queue", needs: "admin" });
    this.banner = h("div", { class: "st-paused", role: "status", hidden: true }, icon("pause"), h("span", {}), this.resume);
    this.picked = h("div", { class: "st-picked", role: "group", "aria-label": "Selected jobs", hidden: true });
    this.root = h("div", { class: "st-queue-bar" },
      h("div", { class: "st-queue-line" },
        h("div", { class: "st-chips", role: "group", "aria-label": "Show" }, [...this.chips.values()].map(({ chip }) => chip)),
        h("span", { class: "st-space" }), this.cancelAll, this.pause),
      this.banner, this.picked);
  }

  #chip(status) {
    const number = h("span", { class: "st-chip-count" });
    const chip = h("button", { class: "st-chip", type: "button", "data-status": status ?? "all", onclick: () => this.board.filter(status) },
      h("span", {}, status === null ? "All" : STATUSES[status]), number);
    return { chip, number };
  }

  /** @param {{counts: Object, paused: boolean}} list @param {string|null} filter */
  draw(list, filter) {
    const { counts } = list;
    const all = Object.keys(STATUSES).reduce((sum, status) => sum + counts[status], 0);
    for (const [status, { chip, number }] of this.chips) {
      const count = (status === null ? all : counts[status]).toLocaleString();
      if (number.textContent !== count) number.textContent = count;
      chip.setAttribute("aria-pressed", String(filter === status));
    }
    this.count = Math.max(counts.pending, list.pending.length);
    this.cancelAll.hidden = counts.pending === 0;
    this.#drawPaused(list);
  }

  #drawPaused({ paused, counts }) {
    const left = counts.processing > 0 ? " The running job goes on to its end." : "";
    const words = `The queue is paused.${left} ${counts.pending === 0 ? "New jobs will wait." : counts.pending === 1 ? "1 job waits." : `${jobs(counts.pending)} wait.`}`;
    const [, text] = this.banner.children;
    if (text.textContent !== words) text.textContent = words;
    if (this.#paused === paused) return;
    this.#paused = paused;
    const [shown, gone] = paused ? [this.resume, this.pause] : [this.pause, this.resume];
    const hadFocus = document.activeElement === gone;
    this.banner.hidden = !paused;
    this.pause.hidden = paused;
    if (hadFocus) shown.focus();
  }

  /** @param {Object[]} selected jobs */
  drawPicked(selected) {
    const alive = selected.filter((job) => ["pending", "processing"].includes(job.status));
    const over = selected.filter((job) => !alive.includes(job));
    this.picked.hidden = selected.length === 0;
    const words = `${alive.length} ${over.length}`;
    if (this.picked.dataset.shown === words) return;
    this.picked.dataset.shown = words;
    const clear = button("close", "Clear selection", () => this.board.clear());
    this.picked.replaceChildren(h("strong", {}, `${jobs(selected.length)} selected`),
      ...[alive.length > 0 && button("stop", `Cancel ${jobs(alive.length)}`, () => this.#cancelSelected(), { kind: "st-danger" }),
        over.length > 0 && button("retry", `Try ${jobs(over.length)} again`, () => this.#retrySelected()), clear].filter(Boolean));
  }

  async #cancelSelected() {
    const alive = this.board.selected().filter((job) => ["pending", "processing"].includes(job.status));
    if (await cancelMany(alive.map((job) => job.id))) this.board.clear();
  }

  async #retrySelected() {
    const over = this.board.selected().filter((job) => !["pending", "processing"].includes(job.status));
    if (await retry([...over].reverse())) this.board.clear();
  }

  async #toggle() {
    const paused = !this.#paused;
    if (await pause(paused)) this.board.say(paused ? "The queue is paused." : "The queue goes on.");
  }

  #cancelAll() {
    return cancelPending(this.count);
  }
}
