/** The page's tabs, by their ids. */

/** @param {string} id of a tab, for example "queue" @returns {boolean} whether there is such a tab */
export function showTab(id) {
  const button = document.querySelector(`#tabs button[role=tab][data-tab-id="${CSS.escape(id)}"]`);
  button?.click();
  return button !== null;
}

/** @returns {string|null} the id of the tab in view */
export function currentTab() {
  return document.querySelector('#tabs button[role=tab][aria-selected="true"]')?.dataset.tabId ?? null;
}
