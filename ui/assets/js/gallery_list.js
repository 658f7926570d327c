/**
 * The pictures that match, as far as they are loaded: one list from the first on, grown by the API's cursor.
 *
 * `items[i]` is the i-th picture; places up to `total` beyond `items.length` exist but are not loaded yet.
 */
import { getJSON } from "./api.js";

/** Pictures in one answer: few for the first sight, many on a long way. */
const FIRST = 60;
const MOST = 200;
/** As many pictures may be looked at one by one when they changed; beyond, the list is read again. */
const ONE_BY_ONE = 24;

export class GalleryList {
  #query = "";
  #turn = 0;
  #wanted = 0;
  #wantsAll = false;
  #loading = null;

  /** @param {function(): void} onchange */
  constructor(onchange) {
    this.onchange = onchange;
    /** Until the first answer to a new question, what the one before had found. */
    this.items = [];
    this.total = null;
    this.next = null;
    this.fault = null;
    this.fresh = [];
  }

  /** Whether everything that matches is loaded. */
  get isComplete() {
    return this.total !== null && this.next === null;
  }

  get isLoading() {
    return this.#loading !== null;
  }

  /**
   * Begin again with another question.
   *
   * @param {string} query of the address: what is looked for, and the order
   * @param {number} [wanted] load at least up to this place
   */
  ask(query, wanted = 0) {
    this.#query = query;
    this.#turn += 1;
    this.#loading = null;
    this.#wantsAll = false;
    Object.assign(this, { total: null, next: null, fault: null, fresh: [] });
    this.onchange();
    return this.want(wanted, true);
  }

  /** The same question again; what is loaded stays in sight until the answer is there. */
  async again() {
    const turn = (this.#turn += 1);
    const many = Math.max(FIRST, Math.min(this.items.length, this.#wanted + 1));
    this.#loading = null;
    try {
      const items = [];
      let answer = { next: null };
      do {
        answer = await this.#page(answer.next, Math.min(MOST, many - items.length));
        if (turn !== this.#turn) return;
        items.push(...answer.items);
      } while (answer.next !== null && items.length < many);
      Object.assign(this, { items, next: answer.next, total: answer.total, fault: null, fresh: [] });
    } catch (fault) {
      if (turn !== this.#turn) return;
      this.fault = fault;
    }
    this.onchange();
  }

  /** Load up to a place, as long as nothing nearer is wanted meanwhile. @param {number} index */
  want(index, evenNow = false) {
    this.#wanted = index;
    if (this.#loading === null && (evenNow || (this.fault === null && this.#lacks()))) this.#loading = this.#load(this.#turn);
    return this.#loading ?? Promise.resolve();
  }

  /** After a fault: go on where it stopped. */
  retry() {
    this.fault = null;
    this.onchange();
    return this.want(this.#wanted, true);
  }

  /** Load everything that matches. @returns {Promise<boolean>} whether that worked */
  async all() {
    const turn = this.#turn;
    this.#wantsAll = true;
    await this.want(this.#wanted);
    return turn === this.#turn && this.isComplete;
  }

  #lacks() {
    return !this.isComplete && (this.#wantsAll || this.items.length <= this.#wanted);
  }

  async #load(turn) {
    try {
      do {
        const isFirst = this.total === null;
        const missing = this.#wantsAll ? MOST : this.#wanted + 1 - (isFirst ? 0 : this.items.length);
        const answer = await this.#page(this.next, Math.min(MOST, Math.max(FIRST, missing)));
        if (turn !== this.#turn) return;
        if (isFirst) this.items = [];
        this.items.push(...answer.items);
        this.next = answer.next;
        this.total = answer.next === null ? this.items.length : Math.max(answer.total - this.fresh.length, this.items.length);
        this.onchange();
      } while (this.#lacks());
    } catch (fault) {
      if (turn === this.#turn) this.fault = fault;
    } finally {
      if (turn === this.#turn) {
        this.#loading = null;
        this.#wantsAll = false;
        this.onchange();
      }
    }
  }

  #page(cursor, limit) {
    const query = new URLSearchParams(this.#query);
    query.set("limit", String(limit));
    if (cursor !== null) query.set("before", cursor);
    return getJSON(`api/library?${query}`);
  }

  // -- news ------------------------------------------------------------------------------------------------

  /**
   * Look for pictures that came since; they wait in `fresh` until `take`.
   *
   * @returns {Promise<void>}
   */
  async look() {
    if (this.fault !== null) return this.retry();
    if (this.total === null) return undefined; // the answer that is on its way will have it
    if (this.#isOldestFirst) return this.#lookAtEnd();
    const turn = this.#turn;
    const answer = await this.#page(null, FIRST);
    if (turn !== this.#turn) return undefined;
    const first = this.items[0]?.id;
    const place = first === undefined ? -1 : answer.items.findIndex((item) => item.id === first);
    if (place === -1 && answer.items.length > 0) return this.again();
    this.fresh = answer.items.slice(0, Math.max(place, 0));
    this.onchange();
    return undefined;
  }

  /** Put what is new in its place. @returns {number} how many pictures that were */
  take() {
    const count = this.fresh.length;
    if (count === 0) return 0;
    this.items = [...this.fresh, ...this.items];
    this.total += count;
    this.fresh = [];
    this.onchange();
    return count;
  }

  get #isOldestFirst() {
    return new URLSearchParams(this.#query).get("sort") === "oldest";
  }

  /** Oldest first, new pictures are the last ones: there is nothing to see before the end is reached. */
  async #lookAtEnd() {
    const turn = this.#turn;
    if (this.isComplete) return this.again();
    const { total } = await this.#page(null, 1);
    if (turn !== this.#turn) return undefined;
    this.total = total;
    this.onchange();
    return undefined;
  }

  // -- changes -----------------------------------------------------------------------------------------------

  /** @param {Object} item a newer version of one in the list */
  replace(item) {
    const place = this.items.findIndex((other) => other.id === item.id);
    if (place === -1) return;
    this.items[place] = { ...this.items[place], ...item };
    this.onchange();
  }

  /** @param {function(Object): boolean} isGone @returns {number} how many went */
  remove(isGone) {
    const kept = this.items.filter((item) => !isGone(item));
    const count = this.items.length - kept.length;
    this.fresh = this.fresh.filter((item) => !isGone(item));
    if (count === 0) return 0;
    this.items = kept;
    this.total = Math.max(kept.length, this.total - count);
    this.onchange();
    return count;
  }

  /** Pictures changed somewhere: look at those that are here. @param {string[]} ids */
  async refresh(ids) {
    const wanted = new Set(ids);
    const here = this.items.filter((item) => wanted.has(item.id));
    if (here.length > ONE_BY_ONE) return this.again();
    const turn = this.#turn;
    await Promise.all(here.map(async ({ id }) => {
      try {
        const item = await getJSON(`api/images/${encodeURIComponent(id)}/info`);
        if (turn === this.#turn) this.replace(item);
      } catch (fault) {
        if (fault.status === 404 && turn === this.#turn) this.remove((item) => item.id === id);
      }
    }));
    return undefined;
  }
}
