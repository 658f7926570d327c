/** The keys of the grid: arrows walk, Space chooses, Enter opens, and so on. */
import { on } from "./dom.js";

/**
 * @param {{grid: Object, list: Object, selection: Object, filters: Object, open: function(number): void,
 *   love: function(Object[]): void, remove: function(Object[]): void, isInSight: function(): boolean}} gallery
 */
export function listenForKeys(gallery) {
  const { grid, filters } = gallery;
  on(grid.sheet, "keydown", (event) => {
    if (pressed(gallery, event)) event.preventDefault();
  });
  on(document, "keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !gallery.isInSight()) return;
    if (event.target.closest("input, textarea, select, [contenteditable=true], dialog")) return;
    event.preventDefault();
    filters.search.focus();
    filters.search.select();
  });
}

/** @returns {boolean} whether the key meant something here */
function pressed({ grid, list, selection, open, love, remove }, event) {
  const { active } = grid;
  const last = list.total - 1;
  if (event.altKey) return false;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "a") return false;
    chooseAll(list, selection);
    return true;
  }
  const page = grid.columns * grid.rowsInSight;
  const target = {
    ArrowLeft: active - 1, ArrowRight: active + 1, ArrowUp: active - grid.columns, ArrowDown: active + grid.columns,
    PageUp: Math.max(active - page, active % grid.columns), PageDown: Math.min(active + page, last), Home: 0, End: last,
  }[event.key];
  if (target !== undefined) {
    if (target < 0 || (target > last && event.key !== "ArrowDown")) return true;
    // Down from the last full row ends at the last picture.
    grid.activate(Math.min(target, last));
    if (event.shiftKey) selection.extend(list.items, grid.active);
    else if (selection.size === 0) selection.startAt(grid.active);
    return true;
  }
  const item = list.items[active];
  const meant = () => (selection.size > 0 ? selection.items : [item]);
  if (event.key === "Escape" && selection.size > 0) selection.clear();
  else if (item === undefined) return false;
  else if (event.key === "Enter") open(active);
  else if (event.key === " ") event.shiftKey ? selection.extend(list.items, active) : selection.toggle(list.items, active);
  else if (event.key === "Delete") remove(meant());
  else if (event.key.toLowerCase() === "f") love(meant());
  else return false;
  return true;
}

/** Everything that matches, also what isn't loaded yet. */
async function chooseAll(list, selection) {
  selection.add(list.items);
  if (list.isComplete) return;
  if (await list.all()) selection.add(list.items);
}
