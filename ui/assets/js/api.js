/**
 * Talking to the studio's REST interface. Paths are relative to the page ("api/health"), so that the page
 * also works under a sub-path. Every fault becomes an ApiError with a sentence that can be shown.
 */

/** A request that failed: `message` is the server's own sentence where it gave one. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status the HTTP status, or 0 if there was no answer
   */
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

const NO_ANSWER = "The studio does not answer. Check that it is running, then try again.";
const SENTENCES = {
  401: "You are signed out. Reload the page and sign in again.",
  403: "This studio does not allow that from here.",
  404: "That is not there any more.",
  413: "That is too large for this studio.",
  429: "Too much at once. Try again in a moment.",
  503: "The studio is just starting or stopping. Try again in a moment.",
};

/** The absolute address of a path relative to the page. */
export function address(path) {
  return new URL(path, document.baseURI).href;
}

/** @param {string} path @param {{signal?: AbortSignal}} [options] @returns {Promise<*>} */
export function getJSON(path, options) {
  return send("GET", path, undefined, options);
}

/** @param {string} path @param {*} body @param {{signal?: AbortSignal}} [options] @returns {Promise<*>} */
export function postJSON(path, body, options) {
  return send("POST", path, body, options);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {*} [body] sent as JSON unless undefined
 * @param {{signal?: AbortSignal}} [options] an aborted request throws the usual AbortError
 * @returns {Promise<*>} the answer's JSON; null where the answer has no body
 */
export function send(method, path, body, options = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return request(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ...options });
}

/**
 * Send a form with files.
 *
 * @param {string} path
 * @param {Object<string, Blob|string|number>} fields
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<*>}
 */
export function upload(path, fields, options = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value instanceof Blob ? value : String(value));
  return request(path, { method: "POST", headers: { Accept: "application/json" }, body: form, ...options });
}

async function request(path, init) {
  let response;
  try {
    response = await fetch(address(path), init);
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new ApiError(NO_ANSWER, 0);
  }
  const answer = await body(response);
  if (response.ok) return answer;
  const sentence = typeof answer?.error === "string" ? answer.error : answer?.error?.message;
  throw new ApiError(sentence ?? SENTENCES[response.status] ?? `The studio refused (${response.status}).`, response.status);
}

/** The JSON of an answer; null for an empty one and, in a fault, for anything else (a proxy's page). */
async function body(response) {
  const text = await response.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    if (!response.ok) return null;
    throw new ApiError("The studio's answer can't be read. Reload the page.", response.status);
  }
}
