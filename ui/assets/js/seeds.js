/** The seeds of a form's latest pictures, so that one can be used again. */
import { getJSON } from "./api.js";
import { toast } from "./toast.js";

const key = (form) => `studio-seed-${form}`;

/** @param {string} form the tab's id @param {string} seed of the first picture of the newest job */
export function rememberSeed(form, seed) {
  try {
    sessionStorage.setItem(key(form), seed);
  } catch {
    // A browser that stores nothing asks the library.
  }
}

/**
 * @param {string} form
 * @param {string} current what the field holds now
 * @returns {Promise<string>} the seed of the latest picture made here, else of the studio's latest, else `current`
 */
export async function lastSeed(form, current) {
  try {
    const seed = sessionStorage.getItem(key(form)) ?? (await getJSON("api/library?limit=1")).items[0]?.seed;
    if (seed !== undefined) return String(seed);
    toast("There is no picture yet whose seed could be used again.");
  } catch (error) {
    toast(error.message, "bad");
  }
  return current;
}
