/** Which pictures are chosen, whether their places are in sight or not. */

export class Selection {
  #chosen = new Map();
  #anchor = 0;

  /** @param {function(): void} onchange */
  constructor(onchange) {
    this.onchange = onchange;
  }

  get size() {
    return this.#chosen.size;
  }

  /** The chosen ones, in the order in which they were chosen. @returns {Object[]} */
  get items() {
    return [...this.#chosen.values()];
  }

  /** @param {string} id */
  has(id) {
    return this.#chosen.has(id);
  }

  /** @param {Object[]} items of the list @param {number} index the place that is switched; ranges begin here */
  toggle(items, index) {
    const item = items[index];
    if (item === undefined) return;
    if (!this.#chosen.delete(item.id)) this.#chosen.set(item.id, item);
    this.#anchor = index;
    this.onchange();
  }

  /** Choose everything from where the last choice was to a place. */
  extend(items, index) {
    const [first, last] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
    this.add(items.slice(first, last + 1));
  }

  /** @param {Object[]} items */
  add(items) {
    for (const item of items) this.#chosen.set(item.id, item);
    this.onchange();
  }

  /** Where a range begins if nothing was switched since. @param {number} index */
  startAt(index) {
    this.#anchor = index;
  }

  /** @param {Object} item a newer version of one that may be chosen */
  replace(item) {
    const chosen = this.#chosen.get(item.id);
    if (chosen !== undefined) this.#chosen.set(item.id, { ...chosen, ...item });
  }

  /** @param {function(Object): boolean} isGone */
  remove(isGone) {
    const before = this.size;
    for (const item of this.items) if (isGone(item)) this.#chosen.delete(item.id);
    if (this.size !== before) this.onchange();
  }

  clear() {
    if (this.size === 0) return;
    this.#chosen.clear();
    this.onchange();
  }
}
