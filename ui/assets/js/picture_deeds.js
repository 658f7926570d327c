/** What can be done with pictures of the library, from wherever they are shown. */
import { address, postJSON, send } from "./api.js";
import { confirmed } from "./dialog.js";
import { h } from "./dom.js";
import { pictures } from "./picture.js";
import { toast } from "./toast.js";

/** Ids in one request. */
const BATCH = 200;
/** Requests at once when every picture needs one of its own. */
const AT_ONCE = 4;

/** @param {string} id @param {{favourite?: boolean, tags?: string[]}} marks @returns {Promise<Object>} the item */
export function mark(id, marks) {
  return send("PATCH", `api/images/${encodeURIComponent(id)}`, marks);
}

/**
 * Mark many pictures, a few at a time; one that is gone is left out.
 *
 * @param {Object[]} items
 * @param {function(Object): {favourite?: boolean, tags?: string[]}} marksFor
 * @param {function(number): void} [onStep] hears how many are done
 * @returns {Promise<Object[]>} the items as they are now
 */
export async function markMany(items, marksFor, onStep = () => {}) {
  const waiting = [...items];
  const marked = [];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        marked.push(await mark(item.id, marksFor(item)));
        onStep(marked.length);
      } catch (error) {
        if (error.status !== 404) {
          waiting.length = 0;
          throw error;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return marked;
}

/**
 * Delete pictures after asking. Of several, favourites stay; a single favourite goes if that is confirmed.
 *
 * @param {Object[]} items
 * @returns {Promise<string[]>} the ids that are gone now, none if the answer was no
 */
export async function deletePictures(items) {
  const loved = items.filter((item) => item.favourite).length;
  const force = items.length === 1 && loved === 1;
  const going = force ? 1 : items.length - loved;
  if (going === 0) {
    await confirmed({
      title: `${pictures(items.length)}, all favourites`, action: "OK",
      text: "Favourites are protected and stay. Take the heart off first, or delete them one by one.",
    });
    return [];
  }
  const kept = loved > 0 && !force ? ` ${loved === 1 ? "One favourite is" : `${loved} favourites are`} protected and stay${loved === 1 ? "s" : ""}.` : "";
  const sure = await confirmed({
    title: force ? "Delete this favourite?" : `Delete ${pictures(going)}?`,
    text: `${going === 1 ? "The file is" : "The files are"} removed from the disk and can't be brought back.${kept}`,
    action: `Delete ${pictures(going)}`, danger: true,
  });
  return sure ? deleteNow(items.map((item) => item.id), force) : [];
}

async function deleteNow(ids, force) {
  const gone = [];
  for (let start = 0; start < ids.length; start += BATCH) {
    const batch = ids.slice(start, start + BATCH);
    const answer = await postJSON("api/images/delete", { ids: batch, force });
    const kept = new Set(answer.protected);
    gone.push(...batch.filter((id) => !kept.has(id)));
  }
  return gone;
}

/**
 * Have the browser save a ZIP of pictures with their parameters.
 *
 * @param {string[]} ids
 */
export function downloadZip(ids) {
  const name = "st-download";
  const frame = h("iframe", { name, title: "Download", hidden: true });
  const form = h("form", { method: "post", action: address("api/images.zip"), target: name, hidden: true },
    h("input", { type: "hidden", name: "ids", value: ids.join(",") }));
  document.body.append(frame, form);
  // A file that is saved never loads into the frame: what does is a refusal.
  frame.addEventListener("load", () => {
    const text = frame.contentDocument?.body?.textContent ?? "";
    if (text !== "") toast(refusal(text), "bad");
  });
  form.submit();
  form.remove();
  setTimeout(() => frame.remove(), 60_000);
}

function refusal(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return "The pictures could not be packed. Try again with fewer of them.";
  }
}
