/** Telling people who look elsewhere: page title, browser notification and sound when a job ends or fails. */
import { subscribe } from "./events.js";
import { percent } from "./format.js";

const TITLE = "sd.cpp Studio";

/** What the reader wants, kept in this browser. @returns {{notify: boolean, sound: boolean}} */
export function wishes() {
  return { notify: read("studio-notify"), sound: read("studio-sound") };
}

/** @param {"notify"|"sound"} what @param {boolean} wanted @returns {Promise<boolean>} whether it is now on */
export async function wish(what, wanted) {
  if (what === "notify" && wanted) {
    if (!("Notification" in window)) return false;
    if (Notification.permission !== "granted" && (await Notification.requestPermission()) !== "granted") return false;
  }
  localStorage.setItem(`studio-${what}`, wanted ? "on" : "off");
  if (what === "sound" && wanted) chime(true);
  return wanted;
}

function read(key) {
  try {
    return localStorage.getItem(key) === "on";
  } catch {
    return false;
  }
}

/** Two short tones, up for done and down for failed; made here, so there is no file to fetch. */
function chime(good) {
  const context = new AudioContext();
  (good ? [660, 880] : [440, 300]).forEach((frequency, index) => {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const start = context.currentTime + index * 0.14;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.12, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.18);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.2);
  });
  setTimeout(() => context.close(), 1000);
}

export function watchTheWork() {
  let unseen = 0;
  let title = TITLE;
  const draw = () => {
    document.title = (unseen > 0 ? `(${unseen}) ` : "") + title;
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) unseen = 0;
    draw();
  });
  subscribe((name, data) => {
    if (name === "state") {
      const job = data.running;
      title = job ? `${percent(job.progress ?? 0)} · ${TITLE}` : TITLE;
    } else if (name === "job_updated" && data.job.status === "processing") {
      title = `${percent(data.job.progress ?? 0)} · ${TITLE}`;
    } else if (name === "job_completed" || name === "job_failed") {
      if (document.hidden) unseen += 1;
      announce(data.job, name === "job_completed");
    }
    draw();
  });
}

function announce(job, good) {
  const { notify, sound } = wishes();
  // One tab of several speaks: whoever gets the lock for this job first.
  const speak = () => {
    if (sound) chime(good);
    if (notify && document.hidden) {
      new Notification(good ? "Picture ready" : "Job failed", {
        body: good ? job.prompt.slice(0, 120) : (job.error ?? "").slice(0, 200),
        tag: job.id,
        icon: "studio-assets/icon.svg",
      });
    }
  };
  if (!sound && !notify) return;
  if (!navigator.locks) return speak();
  navigator.locks.request(`studio-announce-${job.id}`, { ifAvailable: true }, (lock) => {
    if (lock === null) return undefined;
    speak();
    return new Promise((done) => setTimeout(done, 2000));
  });
}
