/**
 * The queue as the server has it: what runs, what waits in which order, and what is over.
 *
 * Lists come from GET /api/queue; after that news change single jobs. Where news can't tell the whole truth
 * (several moves at once change each other's places), the list concerned is read again.
 */
import { getJSON } from "./api.js";
import { subscribe } from "./events.js";

export const FINAL = Object.freeze(["completed", "failed", "cancelled"]);
const JOB_NEWS = new Set(["job_updated", "job_completed", "job_failed", "job_cancelled"]);
/** Jobs in one answer of what is over. */
const PAGE = 50;
/** The most the API gives in one answer. */
const MOST = 1000;
/** Milliseconds in which moves and differing counts settle by themselves. */
const PATIENCE = 400;

/** Later ones first; ids begin with the time, so they tell which of a second's jobs came later. */
const byEnd = (one, other) => (other.completed_at ?? 0) - (one.completed_at ?? 0) || (other.id < one.id ? -1 : 1);

export class QueueList {
  #turn = 0;
  #loading = null;
  #news = null;
  #settling = null;

  /** @param {function(): void} onchange */
  constructor(onchange) {
    this.onchange = onchange;
    /** @type {Object[]} what an engine is busy with */
    this.running = [];
    /** @type {Object[]} in the order in which they will run */
    this.pending = [];
    /** @type {Object<string, {jobs: Map<string, Object>, oldest: string|null, isComplete: boolean}>} */
    this.over = Object.fromEntries(FINAL.map((status) => [status, { jobs: new Map(), oldest: null, isComplete: false }]));
    this.counts = { pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 };
    this.paused = false;
    this.isLoaded = false;
    this.fault = null;
  }

  /** Begin; from now on `onchange` tells of everything. */
  start() {
    subscribe((name, data) => this.#hear(name, data));
    return this.load();
  }

  // -- looking ----------------------------------------------------------------------------------------------

  /** @param {string} id @returns {Object|undefined} */
  find(id) {
    return this.running.find((job) => job.id === id) ?? this.pending.find((job) => job.id === id)
      ?? FINAL.map((status) => this.over[status].jobs.get(id)).find(Boolean);
  }

  /**
   * What is over, the latest first, as far down as nothing in between is missing.
   *
   * @param {string} [status] only of this one
   * @returns {Object[]}
   */
  finished(status) {
    const lists = status ? [this.over[status]] : Object.values(this.over);
    const bottom = Math.max(0, ...lists.filter((list) => !list.isComplete).map(lowest));
    return lists.flatMap((list) => [...list.jobs.values()]).filter((job) => (job.completed_at ?? 0) >= bottom).sort(byEnd);
  }

  /** Whether there is more that is over than was loaded. */
  hasMore(status) {
    return (status ? [status] : FINAL).some((each) => !this.over[each].isComplete);
  }

  // -- loading ----------------------------------------------------------------------------------------------

  /** Read everything again; what is shown stays until the answers are there. */
  load() {
    this.#loading ??= this.#loadAll().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #loadAll() {
    this.#turn += 1;
    this.#news = new Map();
    try {
      const counted = await getJSON("api/queue?status=processing&limit=20");
      const [pending, ...over] = await Promise.all([this.#allPending(), ...FINAL.map((status) => this.#newest(status))]);
      this.running = counted.jobs;
      this.pending = pending;
      FINAL.forEach((status, index) => (this.over[status] = over[index]));
      this.counts = counted.stats;
      this.fault = null;
      this.isLoaded = true;
      // What was told while the answers were on their way is newer than they are.
      for (const job of this.#news.values()) this.#take(job);
    } catch (fault) {
      this.fault = fault;
    } finally {
      this.#news = null;
      this.onchange();
    }
  }

  async #allPending() {
    const jobs = new Map();
    for (let offset = 0; ; offset += MOST) {
      const page = (await getJSON(`api/queue?status=pending&limit=${MOST}&offset=${offset}`)).jobs;
      for (const job of page) jobs.set(job.id, job);
      if (page.length < MOST) return [...jobs.values()].sort((one, other) => one.position - other.position);
    }
  }

  async #newest(status) {
    const limit = Math.min(MOST, Math.max(PAGE, this.over[status].jobs.size));
    const { jobs } = await getJSON(`api/queue?status=${status}&limit=${limit}`);
    return { jobs: new Map(jobs.map((job) => [job.id, job])), oldest: jobs.at(-1)?.id ?? null, isComplete: jobs.length < limit };
  }

  /** Load more of what is over. @param {string} [status] only of this one */
  async more(status) {
    const open = (status ? [status] : FINAL).filter((each) => !this.over[each].isComplete);
    const bottom = Math.max(...open.map((each) => lowest(this.over[each])));
    // Those that keep the rest from being shown.
    const wanted = open.filter((each) => lowest(this.over[each]) >= bottom);
    const turn = this.#turn;
    await Promise.all(wanted.map((each) => this.#older(each, turn)));
    this.onchange();
  }

  async #older(status, turn) {
    const list = this.over[status];
    // Counted are those from the loaded ones on: a job of long ago that ended just now lies beyond.
    const offset = [...list.jobs.keys()].filter((id) => list.oldest === null || id >= list.oldest).length;
    const { jobs } = await getJSON(`api/queue?status=${status}&limit=${PAGE}&offset=${offset}`);
    if (turn !== this.#turn) return;
    for (const job of jobs) list.jobs.set(job.id, job);
    list.oldest = jobs.at(-1)?.id ?? list.oldest;
    list.isComplete = jobs.length < PAGE;
  }

  // -- news -------------------------------------------------------------------------------------------------

  #hear(name, data) {
    if (JOB_NEWS.has(name)) {
      this.#news?.set(data.job.id, data.job);
      this.#take(data.job);
      this.onchange();
    } else if (name === "state") {
      this.counts = data.counts;
      this.paused = data.paused;
      if (this.isLoaded && this.#isOff()) this.#settle();
      this.onchange();
    } else if (name === "queue_paused") {
      this.paused = data.paused;
      this.onchange();
    } else if (name === "caught_up") {
      this.load();
    } else if (name === "generation_deleted") {
      this.#forgetPictures((job) => job.generation_id === data.generation_id, () => []);
    } else if (name === "images_changed") {
      this.#lookAt(data.ids);
    }
  }

  /** Put a job where it belongs now. What is over stays so: news may be overtaken by answers. */
  #take(job) {
    const isFinal = FINAL.includes(job.status);
    const known = this.find(job.id);
    if (known && FINAL.includes(known.status) && !isFinal) return;
    if (known && known.status === "pending" && job.status === "pending" && this.pending[job.position - 1]?.id !== job.id) this.#settle();
    this.running = this.running.filter((other) => other.id !== job.id);
    this.pending = this.pending.filter((other) => other.id !== job.id);
    if (isFinal) this.over[job.status].jobs.set(job.id, job);
    else if (job.status === "processing") this.running = [...this.running, job];
    else this.pending.splice(job.position === null ? this.pending.length : job.position - 1, 0, job);
  }

  /** Whether the counts, which are always right, tell of other lists than these. */
  #isOff() {
    return this.counts.pending !== this.pending.length || this.counts.processing !== this.running.length;
  }

  /** In a moment, read what waits and what runs again, unless all is well by then. */
  #settle() {
    if (this.#settling !== null) return;
    const moved = !this.#isOff();
    this.#settling = setTimeout(async () => {
      this.#settling = null;
      if (moved || this.#isOff()) await this.load();
    }, PATIENCE);
  }

  /**
   * Show a job at another place before the server was asked.
   *
   * @param {string} id @param {string|null} before the one that comes right after; null for the end
   */
  place(id, before) {
    const job = this.pending.find((other) => other.id === id);
    if (!job || id === before) return;
    const rest = this.pending.filter((other) => other.id !== id);
    const index = before === null ? rest.length : rest.findIndex((other) => other.id === before);
    rest.splice(index === -1 ? rest.length : index, 0, job);
    this.pending = rest;
    this.onchange();
  }

  #forgetPictures(isMeant, left) {
    for (const job of this.over.completed.jobs.values()) {
      if (isMeant(job)) this.over.completed.jobs.set(job.id, { ...job, image_ids: left(job) });
    }
    this.onchange();
  }

  /** Pictures changed; those of the jobs shown here may be gone. */
  async #lookAt(ids) {
    const changed = new Set(ids);
    const jobs = [...this.over.completed.jobs.values()].filter((job) => job.image_ids.some((id) => changed.has(id)));
    if (jobs.length > 10) return this.load();
    for (const { id } of jobs) {
      try {
        this.over.completed.jobs.set(id, await getJSON(`api/queue/${id}`));
      } catch {
        // The line is down: all is read again when it is back.
      }
    }
    if (jobs.length > 0) this.onchange();
    return undefined;
  }
}

/** When the earliest loaded one ended: below it, some may be missing. */
function lowest(list) {
  return Math.min(Infinity, ...[...list.jobs.values()].filter((job) => list.oldest === null || job.id >= list.oldest).map((job) => job.completed_at ?? 0));
}
