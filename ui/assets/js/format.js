/** Numbers and times as people read them. */

/** @param {number|null} seconds @returns {string} "about 5 s", "2 min 10 s", "1 h 5 min"; "" for null */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
  const minutes = Math.floor((whole % 3600) / 60);
  return minutes ? `${Math.floor(whole / 3600)} h ${minutes} min` : `${Math.floor(whole / 3600)} h`;
}

/** @param {number} bytes @returns {string} "3.4 MB" */
export function bytes(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** @param {number} epoch seconds @returns {string} the time today, else date and time, in the reader's own way */
export function moment(epoch) {
  const date = new Date(epoch * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** @param {number} fraction 0..1 @returns {string} "42 %" */
export function percent(fraction) {
  return `${Math.floor(fraction * 100)} %`;
}

const PHASES = {
  queued: "Waiting",
  preparing: "Waiting for the engine",
  loading: "Loading the model",
  encoding: "Reading the prompt",
  sampling: "Painting",
  decoding: "Developing",
  upscaling: "Making it larger",
  saving: "Saving",
};

/** @param {Object} job as the API gives it @returns {string} what it is busy with, in words */
export function phase(job) {
  const word = PHASES[job.phase] ?? job.status;
  const many = job.images > 1 && job.image > 0 ? `, picture ${job.image} of ${job.images}` : "";
  if (job.phase === "sampling" && job.steps > 0) return `Step ${job.step} of ${job.steps}${many}`;
  if (job.phase === "upscaling" && job.steps > 0) return `${word}, tile ${job.step} of ${job.steps}`;
  return word + many;
}
