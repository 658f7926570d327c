/** What can be done with the chosen pictures; in sight as long as any are. */
import { openCompare } from "./compare.js";
import { openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { pictures } from "./picture.js";
import { deletePictures, downloadZip, markMany } from "./picture_deeds.js";
import { TagsEditor } from "./tags_editor.js";
import { toast } from "./toast.js";

export class GalleryBar {
  #busy = false;

  /**
   * @param {{chosen: function(): Object[], onMarked: function(Object[]): void, onDeleted: function(string[]): void,
   *   onClear: function(): void}} page
   */
  constructor(page) {
    this.page = page;
    this.words = h("span", { class: "st-gallery-chosen", role: "status" });
    const button = (name, drawing, label, run, danger = false) => h("button", { class: `st-button${danger ? " st-danger" : ""}`, type: "button",
      title: label, "aria-label": label, "data-deed": name, onclick: () => this.#run(run) }, icon(drawing), h("span", { class: "st-bar-word" }, label));
    this.heart = button("favourite", "heart", "Favourite", () => this.love(this.page.chosen()));
    this.comparison = button("compare", "swap", "Compare", () => openCompare(...this.page.chosen()));
    this.root = h("div", { class: "st-gallery-bar", role: "toolbar", "aria-label": "Chosen pictures", hidden: true }, this.words,
      this.heart, button("tag", "tag", "Tag", () => this.#tag()), this.comparison,
      button("zip", "download", "Download ZIP", () => downloadZip(this.page.chosen().map((item) => item.id))),
      button("delete", "trash", "Delete", () => this.remove(this.page.chosen()), true),
      h("button", { class: "st-button st-icon-only", type: "button", "aria-label": "Choose none", title: "Choose none (Esc)", onclick: () => this.page.onClear() }, icon("close")));
  }

  draw() {
    const chosen = this.page.chosen();
    this.root.hidden = chosen.length === 0;
    if (this.root.hidden) return;
    if (!this.#busy) this.words.textContent = `${chosen.length.toLocaleString()} chosen`;
    this.comparison.disabled = chosen.length !== 2;
    this.comparison.title = chosen.length === 2 ? "Compare" : "Choose exactly two pictures to compare them";
    this.heart.setAttribute("aria-pressed", String(chosen.every((item) => item.favourite)));
  }

  /** Take the hearts off if all have one, else put one on each. @param {Object[]} items */
  async love(items) {
    const favourite = !items.every((item) => item.favourite);
    await this.#mark(items.filter((item) => Boolean(item.favourite) !== favourite), () => ({ favourite }));
  }

  /** Ask, then delete. @param {Object[]} items */
  async remove(items) {
    const gone = await deletePictures(items);
    if (gone.length === 0) return;
    this.page.onDeleted(gone);
    toast(`${pictures(gone.length)} deleted.`, "good");
  }

  /** Do something, one thing at a time, and say what went wrong. */
  async #run(deed) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await deed();
    } catch (error) {
      toast(error.message, "bad");
    } finally {
      this.#busy = false;
      this.draw();
    }
  }

  async #tag() {
    const items = this.page.chosen();
    const common = items[0].tags.filter((tag) => items.every((item) => item.tags.includes(tag)));
    const editor = new TagsEditor(() => {});
    editor.show(common);
    let sure = false;
    const save = h("button", { class: "st-button st-primary", type: "button", onclick: () => {
      editor.take();
      sure = true;
      close();
    } }, "Save tags");
    const { close, closed } = openDialog({ title: `Tags of ${pictures(items.length)}`,
      body: [h("p", { class: "st-muted" }, "The tags they share. What you add is added to each of them, what you take away is taken from each."), editor.root],
      actions: [save] });
    editor.field.focus();
    await closed;
    if (!sure) return;
    const wanted = editor.tags;
    const removed = new Set(common.filter((tag) => !wanted.includes(tag)));
    await this.#mark(items, (item) => ({ tags: [...new Set([...item.tags.filter((tag) => !removed.has(tag)), ...wanted])] }));
  }

  async #mark(items, marksFor) {
    const step = (done) => (this.words.textContent = `${done.toLocaleString()} of ${items.length.toLocaleString()} …`);
    this.page.onMarked(await markMany(items, marksFor, step));
  }
}
