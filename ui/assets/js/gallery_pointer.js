/** Mouse and fingers on the grid: open, choose, choose a range; a long touch begins choosing. */
import { on } from "./dom.js";

const LONG_MS = 450;
const STILL = 10;

/** @param {{grid: Object, list: Object, selection: Object, open: function(number): void}} gallery */
export function listenForPointer({ grid, list, selection, open }) {
  let touched = false;
  let shift = false;
  on(grid.sheet, "click", (event) => {
    const cell = grid.cellOf(event.target);
    if (cell === null) return;
    // A label passes the click on to its checkbox, which alone answers; only the first one knows of Shift.
    if (event.target.closest(".st-cell-corner")) {
      if (event.target !== cell.check) shift = event.shiftKey;
      else choose(cell.index, event.shiftKey || shift);
      if (event.target === cell.check) shift = false;
      return;
    }
    if (touched) {
      touched = false; // the end of the long touch that chose it
      return;
    }
    grid.activate(cell.index);
    const isTouch = event.pointerType === "touch";
    if (event.shiftKey) choose(cell.index, true);
    else if (event.ctrlKey || event.metaKey || (isTouch && selection.size > 0)) choose(cell.index, false);
    else if (list.items[cell.index] !== undefined) open(cell.index);
  });

  function choose(index, isRange) {
    grid.activate(index);
    if (isRange && selection.size > 0) selection.extend(list.items, index);
    else selection.toggle(list.items, index);
  }

  let timer = 0;
  let start = null;
  on(grid.sheet, "pointerdown", (event) => {
    touched = false;
    clearTimeout(timer);
    const cell = grid.cellOf(event.target);
    if (event.pointerType !== "touch" || cell === null) return;
    start = event;
    timer = setTimeout(() => {
      touched = true;
      selection.toggle(list.items, cell.index);
      navigator.vibrate?.(12);
    }, LONG_MS);
  });
  on(grid.sheet, "pointermove", (event) => {
    if (start !== null && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > STILL) clearTimeout(timer);
  });
  on(grid.sheet, "pointerup pointercancel", () => {
    clearTimeout(timer);
    start = null;
  });
  // The long touch is ours: the browser's own menu would end it.
  on(grid.sheet, "contextmenu", (event) => {
    if (event.pointerType === "touch" || touched) event.preventDefault();
  });
}
