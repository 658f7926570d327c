/**
 * Live news from the studio: ONE event stream per browser, however many tabs are open.
 *
 * The tab that holds the lock LIVE listens to the server and tells the others over a channel; when it
 * closes, another takes over. A browser keeps at most six connections to one host, so a stream per tab would
 * hang the seventh.
 */
import { address, getJSON } from "./api.js";

const NAMES = [
  "state", "job_updated", "job_completed", "job_failed", "job_cancelled", "generation_completed",
  "generation_deleted", "images_changed", "grids_changed", "model_status_changed", "queue_paused", "webhooks_changed",
];
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

const listeners = new Set();
// Another studio may be served under another path of the same origin.
const LIVE = `studio-live ${new URL(address(".")).pathname}`;
const channel = new BroadcastChannel(LIVE);
let latest = null;
let connected = false;
let leading = false;

/**
 * Hear every piece of news; the newest state comes at once if there is one.
 *
 * @param {function(string, Object): void} listener (name, data); "connection" {connected} tells about the line,
 *   "caught_up" {} that news may have been missed, so lists should be read again
 * @returns {function(): void} stops hearing
 */
export function subscribe(listener) {
  listeners.add(listener);
  listener("connection", { connected });
  if (latest !== null) listener("state", latest);
  return () => listeners.delete(listener);
}

/** The newest state of the studio, or null before the first. */
export function state() {
  return latest;
}

function deliver(name, data) {
  if (name === "state") latest = data;
  if (name === "connection") {
    if (connected === data.connected) return;
    connected = data.connected;
  }
  for (const listener of [...listeners]) listener(name, data);
}

function tell(name, data) {
  deliver(name, data);
  channel.postMessage({ name, data });
}

channel.onmessage = (event) => {
  const { name, data, hello } = event.data;
  if (hello && leading) {
    channel.postMessage({ name: "connection", data: { connected } });
    if (latest !== null) channel.postMessage({ name: "state", data: latest });
  } else if (name) {
    deliver(name, data);
  }
};

/** Listen to the server for as long as this tab lives; the promise never ends, and with it the lock. */
function lead() {
  leading = true;
  return new Promise(() => connect(0));
}

function connect(tries) {
  const source = new EventSource(address("api/events"));
  let opened = false;
  source.onopen = () => {
    if (tries > 0) tell("caught_up", {});
    opened = true;
    tell("connection", { connected: true });
  };
  for (const name of NAMES) {
    source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
  }
  source.onerror = () => {
    // Our own retry: the browser's gives up for good on some answers, such as a proxy's 502.
    source.close();
    tell("connection", { connected: false });
    const pause = RETRY_MS[Math.min(opened ? 0 : tries, RETRY_MS.length - 1)];
    setTimeout(() => connect(opened ? 1 : tries + 1), pause);
  };
}

/** Without locks (plain http from another machine) every tab asks for itself, now and then. */
async function poll() {
  try {
    const stats = await getJSON("api/queue/stats");
    const health = await getJSON("api/health");
    const running = (await getJSON("api/queue?status=processing&limit=1")).jobs[0] ?? null;
    const before = latest;
    deliver("connection", { connected: true });
    deliver("state", { seq: 0, paused: health.paused ?? false, counts: stats, running, engine: health.engine });
    if (before && JSON.stringify(before.counts) !== JSON.stringify(stats)) deliver("caught_up", {});
  } catch {
    deliver("connection", { connected: false });
  }
  setTimeout(poll, document.hidden ? 10000 : 2000);
}

if (navigator.locks) navigator.locks.request(LIVE, lead);
else poll();
channel.postMessage({ hello: true });
