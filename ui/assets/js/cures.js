/** What helps against the ways in which jobs fail. Each way out is a sentence and, where there is one, a deed. */

const NO_MEMORY = /out of memory|no room in memory|insufficient memory|SIGKILL/i;
const FLAT = /one flat colour/i;
const GONE = /is not downloaded|files of model .* are gone|not found/i;

/**
 * @typedef {Object} Cure
 * @property {string} text what to do, in one sentence
 * @property {{label: string, tab: string}} [go] a tab of the page that helps
 * @property {{label: string, change: function(Object): Object}} [change] other settings to try: what they
 *   become, by the settings they were
 */

/** Half of each side, in steps that every model takes, and not smaller than pictures may be. */
function halved({ width, height }) {
  const half = (side) => Math.max(64, Math.round(side / 2 / 64) * 64);
  return { width: half(width), height: half(height) };
}

const SMALLER = { text: "Make the picture smaller: half the width and height needs about a quarter of the memory.", change: { label: "Try it at half the size", change: halved } };
const MODELS = { label: "Show the models", tab: "models" };

const MEMORY = [
  SMALLER,
  { text: "Decode in tiles: vae_tiling: true under the model's engine in models.yml needs much less memory at the end of a picture." },
  { text: "Keep less on the graphics card: offload_to_cpu, clip_on_cpu or vae_on_cpu: true in the same place." },
  { text: "Use a more strongly quantised file of the model, such as q4_K instead of q8_0." },
];

const NO_MEMORY_LEFT = [
  SMALLER,
  { text: "End other programs that use the graphics card or much memory, then try again." },
  { text: "Leave VAE tiling to the studio, if this job forbids it: decoding needs most." },
  { text: "Use a more strongly quantised file of the model, such as q4_K instead of q8_0." },
];

const BY_CODE = {
  out_of_memory: NO_MEMORY_LEFT,
  engine_crashed: [
    { text: "Its last lines, in the details, often name the cause. The same job was tried twice, so trying it a third time unchanged rarely helps." },
    { ...SMALLER, text: "The usual cause is memory: make the picture smaller." },
    { text: "Try the model's own sampler and scheduler." },
  ],
  engine_stalled: [
    { text: "The engine was started anew, so other jobs go on." },
    { text: "If one step takes minutes on this machine, raise stall_seconds under the model's engine in models.yml." },
    { ...SMALLER, text: "Or make the picture smaller, so that a step takes less time." },
  ],
  engine_refused: [{ text: "The engine says no to these settings with this model: its last lines, in the details, name the one it means." }],
  engine_unavailable: [{ text: "Do what the sentence says, then try the job again; the Models tab shows when the engine is there.", go: MODELS }],
  model_files_missing: [{ text: "The Models tab downloads the missing files, or shows where each belongs.", go: MODELS }],
  unknown_model: [{ text: "models.yml no longer has this model: change the job to one that it has.", change: { label: "Choose another model", change: () => ({ model: undefined }) } }],
  storage_full: [{ text: "Make room on the disk: History can clean up old pictures and keeps favourites.", go: { label: "Open History", tab: "history" } }],
  not_found: [{ text: "The picture it starts from is gone: change the job and choose one again.", change: { label: "Change it", change: () => ({}) } }],
  invalid_image: [{ text: "Change the job and choose the picture again.", change: { label: "Change it", change: () => ({}) } }],
};

const FLAT_PICTURE = [
  { text: "Give it more steps.", change: { label: "Try it with more steps", change: ({ steps }) => ({ steps: Math.min(100, Math.max(8, steps * 2)) }) } },
  { text: "Take a plain sampler and scheduler.", change: { label: "Try euler and discrete", change: () => ({ sampler: "euler", scheduler: "discrete" }) } },
  { text: "If every picture of this model is flat, a file is damaged or belongs to another model: compare its size with the source." },
];

/**
 * @param {{status?: string, error: string|null, error_code: string|null}} job
 * @returns {Cure[]} the most likely first; empty for a job that did not fail
 */
export function cures(job) {
  const said = job.error ?? "";
  if (said === "" && !job.error_code) return [];
  // What the model's own entry could switch on was tried already.
  if (job.error_code === "out_of_memory") return BY_CODE.out_of_memory;
  if (NO_MEMORY.test(said)) return MEMORY;
  if (FLAT.test(said)) return FLAT_PICTURE;
  if (BY_CODE[job.error_code]) return BY_CODE[job.error_code];
  if (GONE.test(said)) return BY_CODE.model_files_missing;
  return [{ text: "Look at the last lines of the engine; if they say nothing, at the studio's own log. Another seed or the model's own settings may do." }];
}

/** @param {Object} job @returns {{text: string, tab: string|null}} the first cure in short, and where more is to be seen */
export function cure(job) {
  const [first] = cures(job);
  return { text: first?.text ?? "", tab: first?.go?.tab ?? "queue" };
}
