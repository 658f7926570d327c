/**
 * Carries a picture's settings to a form of another tab. Any part of the page calls `sendTo`; the element of
 * this module hands it to the server, which fills the form.
 */

/**
 * @param {"txt2img"|"edit"|"variations"} tab
 * @param {{image_id?: string, params?: Object, picture_only?: boolean, picture?: Object}} what a stored picture,
 *   with its settings unless they are to stay as they are; or parameters, read from a file or a request; with
 *   `picture`, a value of the tab's painter or picker, they are those of a request that starts from it
 */
export function sendTo(tab, what) {
  document.dispatchEvent(new CustomEvent("studio:send", { detail: { tab, ...what } }));
}

/** @param {{trigger: function(string, Object): void}} component */
export function mount({ trigger }) {
  document.addEventListener("studio:send", (event) => {
    trigger("select", event.detail);
    scrollTo({ top: 0 });
  });
}
