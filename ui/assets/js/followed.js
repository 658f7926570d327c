/**
 * The jobs a form submitted from this browser tab, followed until they are dismissed. Their ids are kept for
 * the tab's life, so that a reload goes on; what became of them is the server's to say.
 */
import { getJSON } from "./api.js";
import { subscribe } from "./events.js";

/** More than these fill the screen several times over. */
const MOST = 100;
/** Ids asked for one by one; the rest is read off the queue's newest. */
const SINGLE = 4;
const NEWEST = 300;
const JOB_NEWS = new Set(["job_updated", "job_completed", "job_failed", "job_cancelled"]);

export class Followed {
  /**
   * @param {string} form the tab's id
   * @param {function(): void} onchange hears that `list` or a job of it is another
   */
  constructor(form, onchange) {
    this.key = `studio-jobs-${form}`;
    this.onchange = onchange;
    /** Newest first; a job is null until the server told of it. @type {Map<string, Object|null>} */
    this.jobs = new Map(this.#recall().map((id) => [id, null]));
    subscribe((name, data) => this.#hear(name, data));
    if (this.jobs.size > 0) this.load();
  }

  /** What is known, newest first. */
  get list() {
    return [...this.jobs.values()].filter((job) => job !== null);
  }

  /** @param {string[]} ids of new jobs, in the order of submission */
  add(ids) {
    const fresh = ids.filter((id) => !this.jobs.has(id));
    if (fresh.length === 0) return;
    this.jobs = new Map([...fresh.reverse().map((id) => [id, null]), ...this.jobs].slice(0, MOST));
    this.#keep();
    this.load(fresh);
  }

  /** @param {function(Object): boolean} unwanted jobs to follow no longer */
  drop(unwanted) {
    for (const [id, job] of this.jobs) if (job !== null && unwanted(job)) this.jobs.delete(id);
    this.#keep();
    this.onchange();
  }

  /** Ask how these, or all, stand. */
  async load(ids = [...this.jobs.keys()]) {
    try {
      const found = new Map();
      if (ids.length > SINGLE) {
        const { jobs } = await getJSON(`api/queue?limit=${NEWEST}`);
        for (const job of jobs) found.set(job.id, job);
      }
      const rest = ids.filter((id) => !found.has(id));
      await Promise.all(rest.map(async (id) => found.set(id, await this.#ask(id))));
      for (const id of ids) {
        const job = found.get(id);
        if (job === undefined) this.jobs.delete(id);
        else this.#take(job);
      }
      this.#keep();
    } catch {
      // The top bar says that the line is down; "caught_up" comes when it is back.
    }
    this.onchange();
  }

  /** The job, or undefined if it is gone. */
  async #ask(id) {
    try {
      return await getJSON(`api/queue/${encodeURIComponent(id)}`);
    } catch (error) {
      if (error.status === 404) return undefined;
      throw error;
    }
  }

  #hear(name, data) {
    if (JOB_NEWS.has(name) && this.jobs.has(data.job.id)) {
      this.#take(data.job);
      this.onchange();
    } else if (name === "state" && data.running !== null && this.jobs.has(data.running.id)) {
      this.#take(data.running);
      this.onchange();
    } else if (name === "caught_up") {
      this.load();
    } else if (name === "generation_deleted") {
      this.drop((job) => job.generation_id === data.generation_id);
    }
  }

  /** News may overtake each other: a job that ended stays so. */
  #take(job) {
    const known = this.jobs.get(job.id);
    const isOver = known && !["pending", "processing"].includes(known.status);
    if (isOver && ["pending", "processing"].includes(job.status)) return;
    if (job.status === "cancelled") this.jobs.delete(job.id);
    else if (this.jobs.has(job.id)) this.jobs.set(job.id, job);
  }

  #recall() {
    try {
      const ids = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
      return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, MOST) : [];
    } catch {
      return [];
    }
  }

  #keep() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify([...this.jobs.keys()]));
    } catch {
      // Then a reload starts with an empty stage; the pictures are in the history.
    }
  }
}

/** @param {Object} job @returns {Object[]} its pictures, as items of the library */
export function picturesOf(job) {
  const [width, height] = job.size.split("x").map(Number);
  return (job.image_ids ?? []).map((id, index) => ({
    id, index, width, height, generation_id: job.generation_id, job_id: job.id, prompt: job.prompt,
    negative_prompt: job.negative_prompt, model: job.model, type: job.type, steps: job.steps,
    cfg_scale: job.cfg_scale, sampler: job.sampler, scheduler: job.scheduler, strength: job.strength,
    // Seeds go beyond what numbers hold exactly here.
    seed: String(BigInt(job.seed) + BigInt(index)), created_at: job.completed_at, favourite: false, tags: [],
    source: job.source_image_id,
  }));
}
