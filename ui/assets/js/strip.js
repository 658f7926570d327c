/** The strip of latest pictures, on every tab. */
import { getJSON } from "./api.js";
import { h } from "./dom.js";
import { subscribe } from "./events.js";
import { openLightbox } from "./lightbox.js";

const SHOWN = 30;
const NEWS = new Set(["generation_completed", "generation_deleted", "images_changed", "caught_up"]);

/** @param {{element: HTMLElement}} component */
export function mount({ element }) {
  const row = h("div", { class: "st-strip", role: "group", "aria-label": "Latest pictures" });
  element.replaceChildren(row);
  let items = [];
  let busy = false;
  let again = false;

  async function load() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      items = (await getJSON(`api/library?limit=${SHOWN}`)).items;
      draw();
    } catch (error) {
      if (items.length === 0) row.replaceChildren(h("span", { class: "st-strip-empty" }, error.message));
    } finally {
      busy = false;
      if (again) {
        again = false;
        load();
      }
    }
  }

  function draw() {
    if (items.length === 0) {
      row.replaceChildren(h("span", { class: "st-strip-empty" }, "Your latest pictures will be here."));
      return;
    }
    const known = new Map([...row.children].filter((node) => node.dataset.id).map((node) => [node.dataset.id, node]));
    row.replaceChildren(...items.map((item) => known.get(item.id) ?? thumb(item)));
  }

  function thumb(item) {
    const open = () => openLightbox(items, items.findIndex((other) => other.id === item.id));
    return h("button", { type: "button", "data-id": item.id, title: item.prompt, onclick: open },
      h("img", { src: `api/images/${item.id}?thumb=128`, alt: item.prompt || "picture", loading: "lazy", width: "66", height: "66", draggable: "true" }));
  }

  subscribe((name) => {
    if (NEWS.has(name)) load();
  });
  load();
}
