/** The picture a request starts from, as its form holds it, with the mask that was painted on it. */
import { address } from "./api.js";

const NO_SIDES = Object.freeze({ left: 0, top: 0, right: 0, bottom: 0 });

/**
 * @param {Object} request as GET /api/queue/{id}/request gives it
 * @returns {Promise<Object|null>} a value of the painter or of the picker; null if the picture is gone
 */
export async function pictureOf(request) {
  const size = await sizeOf(request.input_image);
  if (size === null) return null;
  const image = { id: request.input_image, ...size };
  if (request.type !== "edit") return { open: image };
  const maskSize = request.mask ? await sizeOf(request.mask) : null;
  // A mask of another size was made for other ground, and can't be laid on the picture.
  const fits = maskSize !== null && maskSize.width === size.width && maskSize.height === size.height;
  const mask = fits ? await asText(request.mask) : null;
  return { image, mask, feather: request.mask_feather, extend: request.extend ?? NO_SIDES };
}

/** @param {string} id of a stored input */
const inputAddress = (id) => address(`api/inputs/${encodeURIComponent(id)}`);

async function sizeOf(id) {
  const image = new Image();
  image.src = inputAddress(id);
  try {
    await image.decode();
  } catch {
    return null;
  }
  return { width: image.naturalWidth, height: image.naturalHeight };
}

/** A stored picture as a data address. */
async function asText(id) {
  const content = await (await fetch(inputAddress(id))).blob();
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(content);
  });
}
