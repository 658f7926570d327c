/** The top bar: what the studio is doing now, on every tab. */
import { send } from "./api.js";
import { h, icon } from "./dom.js";
import { subscribe } from "./events.js";
import { duration, percent, phase } from "./format.js";
import { showTab } from "./tabs.js";
import { toggleTheme } from "./theme.js";
import { toast } from "./toast.js";

const ENGINE = {
  preparing: "Preparing the engine",
  unavailable: "No engine",
  stopped: "Engine asleep",
  loading: "Loading",
  ready: "Ready",
  busy: "Working",
};

/** @param {{element: HTMLElement}} component */
export function mount({ element }) {
  const bar = new PulseBar();
  element.replaceChildren(bar.root);
  subscribe((name, data) => bar.hear(name, data));
}

class PulseBar {
  constructor() {
    this.thumb = h("span", { class: "st-pulse-thumb" }, icon("image"));
    this.words = h("span", { class: "st-pulse-words" });
    this.fill = h("span", { class: "st-pulse-fill" });
    this.track = h("span", { class: "st-pulse-track", role: "progressbar", "aria-label": "Progress of the running job",
      "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);
    this.cancel = h("button", { class: "st-button st-small", type: "button", onclick: () => this.cancelRunning() },
      icon("stop"), h("span", {}, "Cancel"));
    this.job = h("div", { class: "st-pulse-job", hidden: true }, this.thumb,
      h("div", { class: "st-pulse-middle" }, this.words, this.track), this.cancel);
    this.engineDot = h("i", { class: "st-dot" });
    this.engineWords = h("span", { class: "st-chip-words" });
    this.engine = h("button", { class: "st-chip", type: "button", title: "The engine and its models", onclick: () => showTab("models") },
      this.engineDot, this.engineWords);
    this.waiting = h("button", { class: "st-chip", type: "button", title: "Show the queue", onclick: () => showTab("queue") });
    const theme = h("button", { class: "st-button st-icon-only", type: "button", title: "Dark or light",
      "aria-label": "Switch between dark and light", onclick: toggleTheme }, icon("invert"));
    this.root = h("header", { class: "st-bar" },
      h("h1", {}, h("a", { class: "st-brand", href: "./", title: "sd.cpp Studio" }, h("img", { src: "studio-assets/icon.svg", alt: "", width: "22", height: "22" }),
        h("span", {}, "sd.cpp Studio"))),
      this.job, h("span", { class: "st-space" }), this.engine, this.waiting, theme);
    this.running = null;
    this.connected = true;
    this.draw(null);
  }

  hear(name, data) {
    if (name === "connection") {
      this.connected = data.connected;
      this.root.classList.toggle("st-offline", !data.connected);
      this.draw(this.last);
    } else if (name === "state") {
      this.draw(data);
    } else if (name === "job_updated" && this.running?.id === data.job.id) {
      this.drawJob(data.job);
    }
  }

  draw(state) {
    this.last = state;
    if (!this.connected) {
      this.engineDot.dataset.state = "offline";
      this.engineWords.textContent = "Reconnecting …";
    } else if (state) {
      const { engine } = state;
      this.engineDot.dataset.state = engine.state;
      const share = engine.fraction === null || engine.fraction === undefined ? "" : ` ${percent(engine.fraction)}`;
      this.engineWords.textContent = (ENGINE[engine.state] ?? engine.state) + share;
      this.engine.title = engine.detail || "The engine and its models";
    } else {
      this.engineWords.textContent = "Connecting …";
    }
    const pending = state?.counts.pending ?? 0;
    this.waiting.textContent = state?.paused ? `Paused, ${pending} waiting` : pending ? `${pending} waiting` : "Queue empty";
    this.waiting.dataset.paused = String(Boolean(state?.paused));
    this.drawJob(state?.running ?? null);
  }

  drawJob(job) {
    this.running = job && job.status === "processing" ? job : null;
    this.job.hidden = this.running === null;
    if (this.running === null) return;
    if (this.thumb.dataset.job !== job.id) {
      this.thumb.dataset.job = job.id;
      this.thumb.replaceChildren(job.source_image_id
        ? h("img", { src: `api/inputs/${job.source_image_id}?thumb=64`, alt: "", width: "32", height: "32" }) : icon("image"));
    }
    const share = job.progress ?? 0;
    const left = duration(job.eta_seconds);
    this.words.textContent = [phase(job), percent(share), left && `${left} left`].filter(Boolean).join(" · ");
    this.words.title = job.prompt;
    this.fill.style.setProperty("transform", `scaleX(${share})`);
    this.track.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.cancel.disabled = Boolean(job.cancel_requested);
  }

  async cancelRunning() {
    if (this.running === null) return;
    this.cancel.disabled = true;
    try {
      await send("DELETE", `api/queue/${this.running.id}`);
    } catch (error) {
      toast(error.message, "bad");
    }
  }
}
