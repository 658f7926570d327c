/**
 * Taking a row of an ordered list to another place: with a pointer at its grip, or with the keyboard on it
 * (Space takes it up and drops it, arrow keys move it, Escape puts it back).
 *
 * While a row is under way `isBusy` is true and nobody else may rearrange the list.
 */
import { on } from "./dom.js";

/** Pixels before a press becomes a drag. */
const SLACK = 4;
/** Pixels from the window's edge in which the page scrolls along, and the most it scrolls at once. */
const EDGE = 90;
const FASTEST = 14;

export class QueueDrag {
  #grabbed = null;
  #drag = null;
  #end = null;

  /**
   * @param {HTMLElement} list its rows are <li data-id>, each with a button [data-grip]
   * @param {{drop: function(string, string|null): void, rest: function(): void, say: function(string): void,
   *   name: function(string): string}} board `drop(id, next)` asks for the place before the row `next`, or
   *   behind all shown; `rest` draws the list as it truly is; `name` is what a row is called
   */
  constructor(list, board) {
    this.list = list;
    this.board = board;
    on(list, "pointerdown", (event) => this.#press(event));
    on(list, "keydown", (event) => this.#key(event));
    on(list, "focusout", (event) => this.#leave(event));
  }

  /** Whether a row is under way; one whose job begins meanwhile is let go. */
  get isBusy() {
    if (this.#drag !== null && this.#drag.row.parentElement !== this.list) this.#end(false);
    if (this.#grabbed !== null && this.#grabbed.row.parentElement !== this.list) this.#forget();
    return this.#drag !== null || this.#grabbed !== null;
  }

  get #rows() {
    return [...this.list.children];
  }

  // -- pointer ----------------------------------------------------------------------------------------------

  #press(event) {
    const grip = event.target.closest("[data-grip]");
    if (grip === null || event.button !== 0 || this.isBusy) return;
    const row = grip.closest("li");
    const from = { x: event.clientX, y: event.clientY + scrollY };
    let at = event.clientY;
    grip.setPointerCapture(event.pointerId);
    const step = () => {
      if (!this.isBusy) return;
      const speed = at < EDGE ? at - EDGE : at > innerHeight - EDGE ? at - innerHeight + EDGE : 0;
      if (speed !== 0) scrollBy(0, Math.max(-FASTEST, Math.min(FASTEST, speed / 4)));
      this.#carry(at + scrollY - from.y);
      this.#drag.frame = requestAnimationFrame(step);
    };
    const stops = [
      on(grip, "pointermove", (move) => {
        at = move.clientY;
        if (this.#drag !== null || Math.hypot(move.clientX - from.x, move.clientY + scrollY - from.y) <= SLACK) return;
        this.#takeUp(row);
        step();
      }),
      on(grip, "pointerup", () => this.#end?.(true)),
      on(grip, "pointercancel lostpointercapture", () => this.#end?.(false)),
      on(document, "keydown", (key) => {
        if (key.key !== "Escape" || this.#drag === null) return;
        key.preventDefault();
        this.#end(false);
      }),
    ];
    this.#end = (isDropped) => {
      for (const stop of stops) stop();
      this.#end = null;
      if (this.#drag !== null) this.#putDown(isDropped);
    };
  }

  #takeUp(row) {
    const rows = this.#rows;
    const boxes = rows.map((each) => each.getBoundingClientRect());
    const from = rows.indexOf(row);
    const gap = rows.length > 1 ? boxes[1].top - boxes[0].bottom : 0;
    row.classList.add("st-dragged");
    this.list.classList.add("st-dragging");
    this.#drag = { frame: 0, row, rows, from, to: from, gap, boxes: boxes.map((box) => ({ middle: box.top + scrollY + box.height / 2, height: box.height })) };
  }

  /** Move the row by so many pixels, and make room where it would fall. */
  #carry(distance) {
    const drag = this.#drag;
    const { row, rows, from, boxes, gap } = drag;
    row.style.setProperty("transform", `translateY(${distance}px)`);
    const middle = boxes[from].middle + distance;
    drag.to = boxes.filter((box, index) => index !== from && (index < from ? box.middle < middle : box.middle <= middle)).length;
    rows.forEach((other, index) => {
      if (other === row) return;
      const isPassed = from < drag.to ? index > from && index <= drag.to : index < from && index >= drag.to;
      const way = (boxes[from].height + gap) * (from < drag.to ? -1 : 1);
      other.style.setProperty("transform", isPassed ? `translateY(${way}px)` : "");
    });
  }

  #putDown(isDropped) {
    const { row, rows, from, to, frame } = this.#drag;
    this.#drag = null;
    cancelAnimationFrame(frame);
    for (const each of rows) each.style.removeProperty("transform");
    row.classList.remove("st-dragged");
    this.list.classList.remove("st-dragging");
    if (!isDropped || to === from) {
      this.board.rest();
      return;
    }
    const others = rows.filter((each) => each !== row);
    this.board.drop(row.dataset.id, others[to]?.dataset.id ?? null);
  }

  // -- keyboard ---------------------------------------------------------------------------------------------

  #key(event) {
    const grip = event.target.closest("[data-grip]");
    if (grip === null || event.ctrlKey || event.altKey || event.metaKey) return;
    const row = grip.closest("li");
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (this.#grabbed === null) this.#grab(row);
      else this.#release(true);
    } else if (this.#grabbed !== null && event.key === "Escape") {
      event.preventDefault();
      this.#release(false);
    } else if (this.#grabbed !== null && ["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      this.#shift(row, event.key);
    }
  }

  #grab(row) {
    if (this.isBusy) return;
    this.#grabbed = { row, from: this.#rows.indexOf(row) };
    row.classList.add("st-grabbed");
    this.board.say(`${this.board.name(row.dataset.id)} taken up, ${this.#where(row)}. Arrow keys move it, space drops it, escape puts it back.`);
  }

  /** The others go round the row, which keeps its focus that way. */
  #shift(row, key) {
    const { previousElementSibling: before, nextElementSibling: after } = row;
    if (key === "ArrowUp" && before !== null) row.after(before);
    else if (key === "ArrowDown" && after !== null) row.before(after);
    else if (key === "Home") row.after(...this.#rows.slice(0, this.#rows.indexOf(row)));
    else if (key === "End") row.before(...this.#rows.slice(this.#rows.indexOf(row) + 1));
    row.scrollIntoView({ block: "nearest" });
    this.board.say(`${this.#where(row)}.`);
  }

  #release(isDropped) {
    const { row, from } = this.#forget();
    const to = this.#rows.indexOf(row);
    if (isDropped && to !== from) {
      this.board.say(`Dropped, ${this.#where(row)}.`);
      this.board.drop(row.dataset.id, row.nextElementSibling?.dataset.id ?? null);
    } else {
      this.board.say(isDropped ? "Dropped where it was." : "Put back.");
      this.board.rest();
    }
  }

  #forget() {
    const grabbed = this.#grabbed;
    this.#grabbed = null;
    grabbed.row.classList.remove("st-grabbed");
    return grabbed;
  }

  #leave(event) {
    if (this.#grabbed !== null && event.target.closest("li") === this.#grabbed.row && event.relatedTarget !== event.target) this.#release(false);
  }

  #where(row) {
    return `place ${this.#rows.indexOf(row) + 1} of ${this.#rows.length}`;
  }
}
