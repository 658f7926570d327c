/** What the engine printed last, for as long as somebody looks. */
import { getJSON } from "./api.js";
import { button } from "./button.js";
import { h } from "./dom.js";

/** Milliseconds between two looks while a model works and the lines are in sight. */
const AGAIN = 3000;

export class EngineLog {
  #model = null;
  #busy = false;
  #asking = false;

  constructor() {
    this.lines = h("pre", { tabindex: "0", "aria-label": "The engine's last lines" });
    this.details = h("details", { class: "st-log", ontoggle: () => this.load() },
      h("summary", {}, "The engine's last lines"), this.lines, h("div", { class: "st-log-bar" }, button("retry", "Look again", () => this.load())));
    this.root = h("div", { hidden: true }, this.details);
    setInterval(() => {
      if (this.#busy && this.details.open && this.lines.checkVisibility()) this.load();
    }, AGAIN);
  }

  /** @param {{state: string, model: string|null}} engine */
  show(engine) {
    const model = ["loading", "ready", "busy"].includes(engine.state) ? engine.model : null;
    const isOther = model !== this.#model || this.#busy !== (engine.state !== "ready");
    this.#model = model;
    this.#busy = model !== null && engine.state !== "ready";
    this.root.hidden = model === null;
    if (isOther) this.load();
  }

  async load() {
    if (this.#model === null || !this.details.open || this.#asking) return;
    this.#asking = true;
    try {
      const { log_tail: text } = await getJSON(`api/models/${encodeURIComponent(this.#model)}`);
      const atEnd = this.lines.scrollTop + this.lines.clientHeight >= this.lines.scrollHeight - 8;
      this.lines.textContent = text.trim() || "It printed nothing yet.";
      if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
    } catch (error) {
      this.lines.textContent = error.message;
    } finally {
      this.#asking = false;
    }
  }
}
