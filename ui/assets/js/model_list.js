/**
 * The models and how they stand: asked for once, again when something changed, and when the reader comes back to
 * the page, who may have put files in their place meanwhile.
 */
import { getJSON } from "./api.js";
import { subscribe } from "./events.js";

const listeners = new Set();
let models = null;
let asking = false;
let stale = false;

/**
 * @param {function(Object[]): void} listener gets the list of api/models now and whenever it changed
 */
export function watchModels(listener) {
  listeners.add(listener);
  if (models !== null) listener(models);
  else ask();
}

async function ask() {
  stale = asking;
  if (asking) return;
  asking = true;
  try {
    models = await getJSON("api/models");
    for (const listener of listeners) listener(models);
  } catch {
    // The top bar tells that the studio does not answer; the next piece of news asks again.
  } finally {
    asking = false;
    if (stale) ask();
  }
}

addEventListener("focus", () => listeners.size > 0 && ask());
subscribe((name, data) => {
  if (listeners.size === 0) return;
  // A download on its way tells all there is to know itself.
  const isProgress = data.download && ["running", "checking"].includes(data.download.state);
  if ((name === "model_status_changed" && !isProgress) || name === "caught_up") ask();
});
