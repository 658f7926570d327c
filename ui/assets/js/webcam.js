/** A dialog that takes one picture with the webcam. */
import { openDialog } from "./dialog.js";
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
 * @returns {Promise<Blob|null>} a JPEG, or null if the person cancelled; throws an Error with a sentence if
 *   there is no camera to use
 */
export async function takePicture() {
  const stream = await openCamera();
  const video = h("video", { class: "st-webcam", autoplay: true, playsinline: true, muted: true, "aria-label": "What the camera sees" });
  const take = h("button", { type: "button", class: "st-button st-primary", disabled: true }, icon("camera"), "Take the picture");
  const cancel = h("button", { type: "button", class: "st-button" }, "Cancel");
  video.srcObject = stream;
  on(video, "playing", () => { take.disabled = false; });
  try {
    const { close, closed } = openDialog({ title: "Webcam", body: video, actions: [cancel, take] });
    let photo = null;
    on(cancel, "click", close);
    on(take, "click", async () => {
      photo = await photograph(video);
      close();
    });
    await closed;
    return photo;
  } finally {
    for (const track of stream.getTracks()) track.stop();
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
