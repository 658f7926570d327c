/** A dialog to choose one picture of the library. */
import { getJSON } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { caption, thumbAddress } from "./picture.js";

const PAGE = 60;
const TYPING_MS = 250;

/** @returns {Promise<string|null>} the id of the chosen picture, or null */
export async function chooseFromHistory() {
  let chosen = null;
  const grid = h("div", { class: "st-chooser", role: "list" });
  const more = h("button", { class: "st-button", type: "button", hidden: true, onclick: () => load() }, "Show more");
  const search = h("input", { class: "st-input", type: "search", placeholder: "Search in prompts", "aria-label": "Search in prompts" });
  const { close, closed } = openDialog({ title: "Choose a picture", body: h("div", { class: "st-chooser-box" }, search, grid, more), wide: true });
  const pick = (item) => {
    chosen = item.id;
    close();
  };
  const thumb = (item) => h("button", { type: "button", role: "listitem", title: caption(item), onclick: () => pick(item) },
    h("img", { src: thumbAddress(item, 160), alt: caption(item), loading: "lazy" }));
  let next = null;
  let turn = 0;

  async function load(fresh = false) {
    const mine = fresh ? (turn += 1) : turn;
    const words = search.value.trim();
    const query = new URLSearchParams({ limit: PAGE, ...(words && { q: words }), ...(!fresh && next && { before: next }) });
    try {
      const page = await getJSON(`api/library?${query}`);
      if (mine !== turn) return;
      if (fresh) grid.replaceChildren();
      grid.append(...page.items.map(thumb));
      next = page.next;
      more.hidden = next === null;
      if (grid.children.length === 0) grid.append(h("p", { class: "st-muted" }, words ? "No picture has these words in its prompt." : "Nothing has been made yet."));
    } catch (error) {
      if (mine === turn) grid.replaceChildren(h("p", { class: "st-error" }, error.message));
    }
  }

  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => load(true), TYPING_MS);
  });
  load(true);
  await closed;
  clearTimeout(typing);
  return chosen;
}
