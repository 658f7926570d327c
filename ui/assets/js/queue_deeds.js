/** What people do to jobs. Each tells what went wrong in the server's words, and never throws. */
import { getJSON, postJSON, send } from "./api.js";
import { sendTo } from "./courier.js";
import { confirmed } from "./dialog.js";
import { picturesOf } from "./followed.js";
import { openLightbox } from "./lightbox.js";
import { pictureOf } from "./request_picture.js";
import { toast } from "./toast.js";
import { openUpscale } from "./upscale_dialog.js";

const TABS = { generate: "txt2img", edit: "edit", variation: "variations" };
/** What a request has that belongs to the picture it starts from, or to what became of it. */
const NOT_SETTINGS = ["type", "sent_prompt", "by_reference", "input_image", "mask"];

/** @param {number} count @returns {string} "1 job", "3 jobs" */
export function jobs(count) {
  return count === 1 ? "1 job" : `${count.toLocaleString()} jobs`;
}

/** Run a deed; true if it worked. */
async function attempt(deed, done = "") {
  try {
    await deed();
  } catch (error) {
    toast(error.message, "bad");
    return false;
  }
  if (done !== "") toast(done, "good");
  return true;
}

const path = (id) => `api/queue/${encodeURIComponent(id)}`;

/** @param {boolean} paused */
export function pause(paused) {
  return attempt(() => postJSON(`api/queue/${paused ? "pause" : "resume"}`, {}));
}

/** @param {Object} job */
export function cancel(job) {
  return attempt(() => send("DELETE", path(job.id)));
}

/** Cancel several after asking. @param {string[]} ids */
export async function cancelMany(ids) {
  if (ids.length === 0) return false;
  const sure = ids.length === 1 || (await confirmed({
    title: `Cancel ${jobs(ids.length)}?`, action: `Cancel ${jobs(ids.length)}`, danger: true,
    text: "They stay in the list as cancelled and can be tried again from there, one by one or selected.",
  }));
  return sure && attempt(() => postJSON("api/queue/cancel", { ids }), `${jobs(ids.length)} cancelled.`);
}

/** Cancel everything that waits, after asking. @param {number} count of them */
export async function cancelPending(count) {
  const sure = count === 1 || (await confirmed({
    title: `Cancel all ${jobs(count)} that wait?`, action: `Cancel ${jobs(count)}`, danger: true,
    text: "The running job goes on. What is cancelled stays in the list and can be tried again from there.",
  }));
  return sure && attempt(() => postJSON("api/queue/cancel", { status: "pending" }), `${jobs(count)} cancelled.`);
}

/** @param {string} id @param {"front"|"back"|"up"|"down"} to */
export function move(id, to) {
  return attempt(() => postJSON(`${path(id)}/move`, { to }));
}

/** @param {string} id @param {string|null} before the job that comes right after; null for the end */
export function moveBefore(id, before) {
  return attempt(() => postJSON(`${path(id)}/move`, before === null ? { to: "back" } : { before }));
}

/** Put jobs that are over into the queue again, in this order. @param {Object[]} over */
export async function retry(over) {
  for (const job of over) {
    if (!(await attempt(() => postJSON(`${path(job.id)}/retry`, {})))) return false;
  }
  toast(over.length === 1 ? "The job is in the queue again." : `${jobs(over.length)} are in the queue again.`, "good");
  return true;
}

/**
 * Bring what a job was asked for into its form, to be changed there.
 *
 * @param {Object} job @param {function(Object): Object} [change] other settings, by those it has
 */
export function duplicate(job, change = () => ({})) {
  if (job.upscale) {
    const { source_width: width, source_height: height } = job.upscale;
    return openUpscale({ input_image: job.source_image_id, width, height }, job.upscale);
  }
  return attempt(async () => {
    const request = await getJSON(`${path(job.id)}/request`);
    const kept = Object.entries(request).filter(([name]) => !NOT_SETTINGS.includes(name));
    const params = { ...Object.fromEntries(kept), ...change(request) };
    const picture = request.input_image && (await pictureOf(request));
    if (picture === null && job.type !== "generate") toast("The picture it started from is gone; choose one again.", "bad");
    sendTo(TABS[job.type], picture ? { params, picture } : { params });
  });
}

/** Show a completed job's pictures. @param {Object} job @param {number} [index] of the first one shown */
export function look(job, index = 0) {
  return openLightbox(picturesOf(job), index);
}
