/** What the queue says about jobs. */
import { duration, moment, phase } from "./format.js";
import { TYPES } from "./picture.js";

export const STATUSES = Object.freeze({
  pending: "Waiting", processing: "Running", completed: "Done", failed: "Failed", cancelled: "Cancelled",
});

export const OUTCOMES = Object.freeze({
  running: "Running",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  lost: "Lost: the studio ended in the middle of it",
  stopped: "Put back: the studio was shut down",
});

/** @param {Object} job @returns {string} its prompt, for people */
export function promptOf(job) {
  return job.prompt.trim() || "(no prompt)";
}

/** @param {Object} job @returns {string} its prompt, cut for labels and announcements */
export function shortPrompt(job) {
  const prompt = promptOf(job);
  return prompt.length > 60 ? `${prompt.slice(0, 59)}…` : prompt;
}

/** @param {Object} job @returns {string} what it is, in one line */
export function about(job) {
  if (job.upscale) return [TYPES[job.type], job.upscale.method, job.size.replace("x", " × ")].join(" · ");
  const parts = [TYPES[job.type], job.model, job.size.replace("x", " × "), job.steps === 1 ? "1 step" : `${job.steps} steps`];
  if (job.n > 1) parts.push(`${job.n} pictures`);
  if (job.owner) parts.push(`by ${job.owner}`);
  return parts.join(" · ");
}

/** @param {Object} job that runs @returns {string} */
export function doing(job) {
  return job.cancel_requested ? "Stopping" : phase(job);
}

/**
 * @param {Object} job that waits @param {{paused: boolean, start: number|undefined, place: number}} queue its
 *   seconds until it may start, if they are known, and its place, from 1
 * @returns {string}
 */
export function waiting(job, { paused, start, place }) {
  if (job.attempts > 0 && !paused) return "Tried once, will be tried again";
  if (paused) return "Waits until the queue is resumed";
  if (job.phase === "preparing") return "Waits for the engine";
  if (start === undefined) return place === 1 ? "Next" : "Waiting";
  if (start < 5) return "Starts in a moment";
  // Estimates: minutes are what they are good for.
  const rough = start < 60 ? Math.ceil(start / 5) * 5 : start < 600 ? Math.ceil(start / 30) * 30 : Math.ceil(start / 60) * 60;
  return `Starts in about ${duration(rough)}`;
}

/** @param {Object} job that is over @returns {string} */
export function ended(job) {
  const when = job.completed_at === null ? "" : moment(job.completed_at);
  const took = span(job.started_at, job.completed_at);
  return [when, job.status === "completed" && took !== "" && `took ${took}`].filter(Boolean).join(", ");
}

/** @param {number|null} from @param {number|null} to both seconds since the epoch @returns {string} "" if one isn't known */
export function span(from, to) {
  if (from === null || to === null) return "";
  return to - from < 1 ? "less than 1 s" : duration(to - from);
}
