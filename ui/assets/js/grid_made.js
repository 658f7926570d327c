/** Which grid this browser tab had made last: the form says it, and the list opens that one. */

const KEY = "studio-grid";

/** @returns {string|null} */
export function lastMade() {
  return sessionStorage.getItem(KEY);
}

/** @param {string} id */
export function madeLast(id) {
  sessionStorage.setItem(KEY, id);
}
