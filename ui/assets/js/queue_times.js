/** How long jobs of the queue take: elapsed, left, and when the waiting ones may start. All in seconds. */

/** Finished jobs of a model that are looked at. */
const SAMPLE = 20;
/** A job longer over its estimate than this has none. */
const OVERDUE = 3;

export class QueueTimes {
  #ahead = null;
  #heard = new Map();

  /** The server's time now: clocks of two machines differ, and elapsed times must not jump or be negative. */
  now() {
    return Date.now() / 1000 - (this.#ahead ?? 0);
  }

  /** A job's state has just come in. @param {Object} job */
  note(job) {
    const before = this.#heard.get(job.id);
    if (before?.eta === job.eta_seconds && before?.updated === job.updated_at && before?.progress === job.progress) return;
    this.#heard.set(job.id, { eta: job.eta_seconds, updated: job.updated_at, progress: job.progress, at: Date.now() / 1000 });
    // News can only be late, so the smallest difference is the true one. Of several seconds only: the API
    // rounds its times.
    if (before !== undefined) this.#ahead = Math.min(this.#ahead ?? Infinity, Date.now() / 1000 - job.updated_at - 0.5);
    if (this.#ahead !== null && Math.abs(this.#ahead) < 2) this.#ahead = 0;
  }

  /** Forget jobs that are not running any more. @param {Set<string>} running their ids */
  keep(running) {
    for (const id of this.#heard.keys()) if (!running.has(id)) this.#heard.delete(id);
  }

  /** @param {Object} job that runs @returns {number} since it began */
  elapsed(job) {
    return job.started_at === null ? 0 : Math.max(0, this.now() - job.started_at);
  }

  /** @param {Object} job that runs @returns {number|null} until it is done, counted down since it was told */
  left(job) {
    const heard = this.#heard.get(job.id);
    if (job.eta_seconds === null || heard === undefined) return null;
    const left = job.eta_seconds - (Date.now() / 1000 - heard.at);
    return left < -OVERDUE ? null : Math.max(0, left);
  }

  /**
   * When each waiting job may start.
   *
   * @param {Object[]} running @param {Object[]} pending in order @param {Object[]} completed the latest first
   * @returns {Map<string, number>} seconds from now by id; from the first unknown one on, none
   */
  starts(running, pending, completed) {
    const speeds = speedsOf(completed);
    const starts = new Map();
    let sum = 0;
    for (const job of running) sum += this.left(job) ?? expected(job, speeds) ?? NaN;
    for (const job of pending) {
      if (Number.isNaN(sum)) break;
      starts.set(job.id, sum);
      sum += expected(job, speeds) ?? NaN;
    }
    return starts;
  }
}

/** How much a job has to do: pixels times steps of all its pictures. */
function work(job) {
  const [width, height] = job.size.split("x").map(Number);
  return width * height * job.steps * job.n;
}

function speedsOf(completed) {
  const sums = new Map();
  for (const job of completed) {
    const sum = sums.get(job.model) ?? { seconds: 0, work: 0, count: 0 };
    if (sum.count >= SAMPLE || job.started_at === null || job.completed_at === null) continue;
    // Whole seconds: over several jobs, what is cut off here is added there.
    sums.set(job.model, { seconds: sum.seconds + job.completed_at - job.started_at, work: sum.work + work(job), count: sum.count + 1 });
  }
  return new Map([...sums].map(([model, sum]) => [model, sum.seconds / sum.work]));
}

function expected(job, speeds) {
  const speed = speeds.get(job.model);
  return speed === undefined ? null : speed * work(job);
}
