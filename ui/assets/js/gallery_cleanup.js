/** How much room the pictures take, and rules by which old ones go. */
import { postJSON } from "./api.js";
import { confirmed, openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { factList } from "./fact_list.js";
import { bytes } from "./format.js";
import { pictures } from "./picture.js";
import { toast } from "./toast.js";

const GIGABYTE = 1e9;
const TYPING_MS = 300;

export class GalleryCleanup {
  #stats = null;

  /** @param {function(): void} oncleaned */
  constructor(oncleaned) {
    this.oncleaned = oncleaned;
    this.words = h("span", {});
    this.button = h("button", { class: "st-button st-gallery-disk", type: "button", hidden: true, title: "Disk use and clean-up",
      onclick: () => this.#open() }, icon("folder"), this.words);
  }

  /** @param {{images: number, bytes: number, inputs_bytes: number, free_bytes: number, models: Object[]}} stats */
  show(stats) {
    this.#stats = stats;
    this.words.textContent = bytes(stats.bytes);
    this.button.setAttribute("aria-label", `Disk use ${bytes(stats.bytes)}. Clean up`);
    this.button.hidden = false;
  }

  #open() {
    const stats = this.#stats;
    const rules = new CleanupRules(stats);
    const run = h("button", { class: "st-button st-danger", type: "button", "data-needs": "admin", disabled: true }, "Delete …");
    const { close } = openDialog({
      title: "Disk use and clean-up",
      body: [factList([["Pictures", `${stats.images.toLocaleString()}, ${bytes(stats.bytes)}`],
        ["Uploaded pictures", bytes(stats.inputs_bytes)], ["Free on the disk", bytes(stats.free_bytes)]]),
      h("div", { "data-needs": "admin" }, h("p", {}, "Delete pictures to which all of these apply. Favourites are always kept."), rules.root)],
      actions: [run],
    });
    rules.onfound = (found) => {
      run.disabled = found === null || found.images === 0;
      run.textContent = run.disabled ? "Delete …" : `Delete ${pictures(found.images)} …`;
    };
    run.addEventListener("click", async () => {
      if (await this.#clean(rules)) close();
    });
  }

  async #clean(rules) {
    const { images, bytes: size } = rules.found;
    const sure = await confirmed({ title: `Delete ${pictures(images)}?`, danger: true, action: `Delete ${pictures(images)}`,
      text: `${bytes(size)} become free. The files are removed from the disk and can't be brought back.` });
    if (!sure) return false;
    try {
      const done = await postJSON("api/library/clean", { ...rules.rules, dry_run: false });
      toast(`${pictures(done.images)} deleted, ${bytes(done.bytes)} freed.`, "good");
      this.oncleaned();
      return true;
    } catch (error) {
      toast(error.message, "bad");
      return false;
    }
  }
}

/** The form of the rules, which says what they would delete before anything is. */
class CleanupRules {
  #asked = 0;
  #timer = 0;

  constructor(stats) {
    this.found = null;
    this.onfound = () => {};
    this.older = rule("Older than", "days", { value: "90", max: "36500", step: "1" }, () => this.#changed());
    this.room = rule("Beyond the newest", "GB", { value: String(Math.max(1, Math.floor(stats.bytes / GIGABYTE))), max: "100000", step: "any" }, () => this.#changed());
    this.model = h("select", { class: "st-select", "aria-label": "Model", onchange: () => this.#changed() },
      h("option", { value: "" }, "Any model"), stats.models.map(({ id, count }) => h("option", { value: id }, `${id} (${count.toLocaleString()})`)));
    this.words = h("p", { class: "st-cleanup-words", role: "status" }, "Choose a rule to see what it would delete.");
    this.root = h("div", { class: "st-cleanup" }, this.older.row, this.room.row,
      h("label", { class: "st-cleanup-row" }, h("span", {}, "Made with"), this.model), this.words);
  }

  /** What the API takes; without any rule nothing is asked for. */
  get rules() {
    const rules = {};
    if (this.older.isOn) rules.older_than_days = this.older.value;
    if (this.room.isOn) rules.keep_bytes = Math.round(this.room.value * GIGABYTE);
    if (this.model.value !== "") rules.model = this.model.value;
    return rules;
  }

  #changed() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.#tell(null, "Counting …");
    this.#timer = setTimeout(() => this.#ask(this.#asked), TYPING_MS);
  }

  async #ask(turn) {
    const { rules } = this;
    if (Object.keys(rules).length === 0) {
      this.#tell(null, "Choose a rule to see what it would delete.");
      return;
    }
    if (Object.values(rules).some((value) => Number.isNaN(value))) {
      this.#tell(null, "Give a number for each rule that is on.");
      return;
    }
    try {
      const found = await postJSON("api/library/clean", { ...rules, dry_run: true });
      if (turn !== this.#asked) return;
      this.#tell(found, found.images === 0 ? "Nothing would be deleted." : `${pictures(found.images)} would be deleted, ${bytes(found.bytes)}.`);
    } catch (error) {
      if (turn === this.#asked) this.#tell(null, error.message);
    }
  }

  #tell(found, words) {
    this.found = found;
    this.words.textContent = words;
    this.onfound(found);
  }
}

/** A rule that can be switched on, with its number. */
function rule(label, unit, range, onchange) {
  const number = h("input", { class: "st-input", type: "number", min: "0", "aria-label": `${label}, ${unit}`, ...range, oninput: () => {
    box.checked = true;
    onchange();
  } });
  const box = h("input", { type: "checkbox", onchange });
  const row = h("div", { class: "st-cleanup-row" }, h("label", {}, box, label), number, h("span", {}, unit));
  return { row, get isOn() { return box.checked; }, get value() { return number.valueAsNumber; } };
}
