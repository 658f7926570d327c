/** What was painted, kept over a reload of the page; each tab has its own. */

export class PainterMemory {
  /** @param {string|null|undefined} name tells the page's painters apart; without one nothing is kept */
  constructor(name) {
    this.key = name ? `st-painter:${name}` : null;
  }

  /** @param {object} value of the painter; without a picture it is forgotten */
  keep(value) {
    if (this.key === null) return;
    try {
      if (value.image === null) sessionStorage.removeItem(this.key);
      else sessionStorage.setItem(this.key, JSON.stringify(value));
    } catch {
      // Full, or not allowed here: then the mask lives as long as the page.
    }
  }

  /** @returns {object|null} what was kept last */
  recall() {
    try {
      return this.key && JSON.parse(sessionStorage.getItem(this.key));
    } catch {
      return null;
    }
  }
}
