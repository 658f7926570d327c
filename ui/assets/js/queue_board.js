/** The Queue tab: what runs on top, what waits in its order, and what became of the rest. */
import { button } from "./button.js";
import { h, icon } from "./dom.js";
import { state } from "./events.js";
import { QueueBar } from "./queue_bar.js";
import { moveBefore } from "./queue_deeds.js";
import { QueueDrag } from "./queue_drag.js";
import { FINAL, QueueList } from "./queue_list.js";
import { JobRow } from "./queue_row.js";
import { QueueTimes } from "./queue_times.js";
import { STATUSES, shortPrompt } from "./queue_words.js";
import { showTab } from "./tabs.js";

/** Rows shown at first of what waits and of what is over, and how many more at a time. */
const SHOWN = 100;
const SHOWN_OVER = 30;

/** @param {{element: HTMLElement}} component */
export function mount({ element }) {
  const board = new QueueBoard();
  element.replaceChildren(board.root);
  board.list.start();
  setInterval(() => board.tick(), 1000);
}

class QueueBoard {
  #rows = new Map();
  #wanted = false;

  constructor() {
    this.filterBy = null;
    this.shown = SHOWN;
    this.shownOver = SHOWN_OVER;
    this.picked = new Set();
    this.times = new QueueTimes();
    this.list = new QueueList(() => this.#want());
    this.bar = new QueueBar({
      filter: (status) => this.filter(status), clear: () => this.clear(), say: (text) => this.say(text),
      selected: () => [...this.picked].map((id) => this.list.find(id)).filter(Boolean),
    });
    this.said = h("div", { class: "st-said", role: "status", "aria-live": "assertive" });
    this.running = section("Running", "ul");
    this.pending = section("Waiting", "ol");
    this.over = section("Finished", "ul");
    this.morePending = button("chevron-down", "Show more", () => this.#morePending());
    this.moreOver = button("chevron-down", "Load more", () => this.#moreOver());
    this.pending.root.append(this.morePending);
    this.over.root.append(this.moreOver);
    this.empty = h("div", { class: "st-empty", hidden: true });
    this.fault = h("div", { class: "st-error", role: "alert", hidden: true });
    this.root = h("div", { class: "st-queue" }, this.bar.root, this.fault, this.running.root, this.pending.root, this.over.root, this.empty, this.said);
    this.drag = new QueueDrag(this.pending.list, {
      drop: (id, next) => this.#drop(id, next), rest: () => this.draw(), say: (text) => this.say(text),
      name: (id) => shortPrompt(this.list.find(id) ?? { prompt: "" }),
    });
  }

  // -- for its parts ----------------------------------------------------------------------------------------

  /** Tell those who hear the page. */
  say(text) {
    this.said.textContent = text;
  }

  /** A job was asked to go elsewhere; tell where it stands now. */
  async moved(job) {
    await this.list.load();
    const place = this.list.pending.findIndex((other) => other.id === job.id) + 1;
    if (place > 0) this.say(`${shortPrompt(job)}: place ${place} of ${this.list.pending.length}.`);
  }

  /** @param {string} id @param {boolean} isPicked */
  select(id, isPicked) {
    if (isPicked) this.picked.add(id);
    else this.picked.delete(id);
    this.draw();
  }

  clear() {
    this.picked.clear();
    this.draw();
  }

  /** @param {string|null} status the only one to show; null: all */
  filter(status) {
    this.filterBy = this.filterBy === status ? null : status;
    this.shownOver = SHOWN_OVER;
    this.draw();
  }

  // -- drawing ----------------------------------------------------------------------------------------------

  /** Draw once for everything that was told until the next frame. */
  #want() {
    if (this.#wanted) return;
    this.#wanted = true;
    // Not a frame's time: a page out of sight has none, and its news must not pile up.
    setTimeout(() => {
      this.#wanted = false;
      this.draw();
    }, 16);
  }

  draw() {
    const { list, filterBy } = this;
    this.fault.hidden = list.fault === null;
    this.fault.textContent = list.fault?.message ?? "";
    this.bar.draw(list, filterBy);
    for (const id of this.picked) if (!list.find(id)) this.picked.delete(id);
    this.bar.drawPicked([...this.picked].map((id) => list.find(id)));
    for (const job of list.running) this.times.note(job);
    this.times.keep(new Set(list.running.map((job) => job.id)));
    const isShown = (status) => filterBy === null || filterBy === status;
    this.#fill(this.running, isShown("processing") ? list.running : [], list.running.length);
    if (!this.drag.isBusy) this.#drawPending(isShown("pending") ? list.pending : []);
    this.#drawOver(filterBy === null || FINAL.includes(filterBy));
    this.#drawEmpty();
    const kept = new Set([this.running, this.pending, this.over].flatMap(({ list: rows }) => [...rows.children].map((row) => row.dataset.id)));
    for (const id of this.#rows.keys()) if (!kept.has(id)) this.#rows.delete(id);
  }

  #drawPending(jobs) {
    const { list } = this;
    const starts = list.paused || this.#isBehindOthers() ? new Map() : this.times.starts(list.running, list.pending, list.finished("completed"));
    this.#fill(this.pending, jobs.slice(0, this.shown), jobs.length, (job, index) => ({ place: index + 1, total: jobs.length, start: starts.get(job.id), paused: list.paused }));
    this.morePending.hidden = jobs.length <= this.shown;
  }

  /** Whether jobs come first that are somebody else's and not shown: then nobody here knows how long they take. */
  #isBehindOthers() {
    const { running, pending } = this.list;
    return (running.length === 0 && state()?.engine.state === "busy") || (pending[0]?.position ?? 1) > 1;
  }

  #drawOver(isShown) {
    const status = FINAL.includes(this.filterBy) ? this.filterBy : undefined;
    const jobs = isShown ? this.list.finished(status) : [];
    this.over.title.textContent = status ? STATUSES[status] : "Finished";
    this.#fill(this.over, jobs.slice(0, this.shownOver));
    this.moreOver.hidden = !isShown || (jobs.length <= this.shownOver && !this.list.hasMore(status));
  }

  /** Give a section these jobs, in this order. */
  #fill(part, jobs, count = null, around = () => ({})) {
    part.root.hidden = jobs.length === 0;
    part.count.textContent = count === null ? "" : count.toLocaleString();
    const rows = jobs.map((job, index) => {
      const row = this.#rows.get(job.id) ?? new JobRow(this);
      this.#rows.set(job.id, row);
      row.update(job, { selected: this.picked.has(job.id), ...around(job, index) });
      return row.root;
    });
    arrange(part.list, rows);
  }

  #drawEmpty() {
    const { list, filterBy } = this;
    const isEmpty = [this.running, this.pending, this.over].every((part) => part.root.hidden);
    this.empty.hidden = !isEmpty;
    if (!isEmpty) return;
    const words = `${list.isLoaded} ${filterBy}`;
    if (this.empty.dataset.shown === words) return;
    this.empty.dataset.shown = words;
    if (!list.isLoaded) this.empty.replaceChildren(h("p", {}, "Reading the queue …"));
    else if (filterBy !== null) this.empty.replaceChildren(icon("filter"), h("p", {}, `No job is ${STATUSES[filterBy].toLowerCase()}.`), button("filter", "Show all", () => this.filter(null)));
    else this.empty.replaceChildren(icon("image"), h("p", {}, "Nothing was asked for yet. Jobs wait here in their order, and what became of them stays."), button("plus", "Make a picture", () => showTab("txt2img"), { kind: "st-primary" }));
  }

  tick() {
    if (!this.root.checkVisibility()) return;
    for (const row of this.#rows.values()) row.tick();
    if (!this.drag.isBusy && !this.pending.root.hidden) this.#drawPending(this.list.pending);
  }

  // -- doing ------------------------------------------------------------------------------------------------

  async #drop(id, next) {
    // Behind all that is shown is before the first that is not.
    const before = next ?? this.list.pending[this.shown]?.id ?? null;
    this.list.place(id, before);
    this.draw();
    if (!(await moveBefore(id, before))) await this.list.load();
  }

  #morePending() {
    this.shown += SHOWN * 2;
    this.draw();
  }

  async #moreOver() {
    const status = FINAL.includes(this.filterBy) ? this.filterBy : undefined;
    this.shownOver += SHOWN_OVER * 2;
    this.moreOver.disabled = true;
    try {
      while (this.list.finished(status).length < this.shownOver && this.list.hasMore(status)) await this.list.more(status);
    } catch (error) {
      this.list.fault = error;
    }
    this.moreOver.disabled = false;
    this.draw();
  }
}

function section(name, tag) {
  const title = h("span", {}, name);
  const count = h("span", { class: "st-muted" });
  const list = h(tag, { class: "st-jobs", "aria-label": name });
  return { title, count, list, root: h("section", { class: "st-queue-part", hidden: true }, h("h2", {}, title, " ", count), list) };
}

/** Have `parent` hold exactly these, in this order; what stands right is not touched, and focus stays. */
function arrange(parent, children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  if (focused !== null && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}
