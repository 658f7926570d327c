/** A dialog that takes one picture with the webcam. */
import { h, icon, on } from "./dom.js";

const REFUSALS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it beside the address, then try again.",
  NotFoundError: "No camera was found. Connect one, or choose a file.",
  NotReadableError: "The camera is in use by another program. Close it there, then try again.",
};
const INSECURE = "Browsers give the camera only to pages over https or on this machine (localhost).";

/**
 * Ask for a picture.
 *
 * @param {HTMLElement} parent gets the dialog for as long as it is open
 * @returns {Promise<Blob|null>} a JPEG, or null if the person cancelled; throws an Error with a sentence if
 *   there is no camera to use
 */
export async function takePicture(parent) {
  const stream = await openCamera();
  const video = h("video", { autoplay: true, playsinline: true, muted: true, "aria-label": "What the camera sees" });
  const take = h("button", { type: "button", class: "st-painter-primary", disabled: true }, icon("camera"), "Take the picture");
  const cancel = h("button", { type: "button", class: "st-painter-button" }, "Cancel");
  const dialog = h(
    "dialog", { class: "st-painter-dialog", "aria-label": "Webcam" },
    h("h3", {}, "Webcam"), video, h("div", { class: "st-painter-row" }, take, cancel),
  );
  parent.append(dialog);
  video.srcObject = stream;
  on(video, "playing", () => { take.disabled = false; });
  try {
    const taken = new Promise((resolve) => {
      on(take, "click", () => resolve(photograph(video)));
      on(cancel, "click", () => resolve(null));
      on(dialog, "close", () => resolve(null));
    });
    dialog.showModal();
    return await taken;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  }
}

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
  } catch (fault) {
    throw new Error(REFUSALS[fault.name] ?? "The camera could not be started. Choose a file instead.");
  }
}

function photograph(video) {
  const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}
