/**
 * The painter's keys. They act while the focus is in the painter, or while the pointer is over its stage and
 * nothing else has the focus; never while text is being typed.
 *
 * With the focus on the stage the arrows move the brush itself and Enter paints with it, so that a mask can
 * be painted without a mouse; with Shift they paint on the way.
 */
import { on } from "./dom.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TYPED = new Set(["text", "search", "number", "email", "url", "password", "tel"]);

/**
 * @param {object} painter what painter.js offers: `view`, `actions`, `pointer`, `viewport`, `mask`, `brush`,
 *   `isOpen`
 */
export function listenForKeys(painter) {
  const { actions, pointer } = painter;
  const { root, stage } = painter.view;
  const keyboardBrush = new KeyboardBrush(painter);
  const life = new AbortController();
  const options = { signal: life.signal };
  on(document, "keydown", (event) => {
    if (!root.isConnected) life.abort();
    else if (painter.isOpen && isMeant(event, root, pointer)) press(event);
  }, options);
  on(document, "keyup", (event) => event.key === " " && pointer.spaceHeld && pointer.holdSpace(false), options);
  on(window, "blur", () => pointer.spaceHeld && pointer.holdSpace(false), options);
  on(stage, "blur", () => keyboardBrush.leave());

  function press(event) {
    const name = event.ctrlKey || event.metaKey ? commandOf(event) : actionOf(event);
    if (name !== null) {
      event.preventDefault();
      actions[name]();
    } else if (event.key === " " && event.target === (document.activeElement === stage ? stage : document.body)) {
      event.preventDefault();
      if (!event.repeat) pointer.holdSpace(true);
    } else if (event.target === stage && !event.ctrlKey && !event.metaKey) {
      keyboardBrush.press(event);
    }
  }
}

function isMeant(event, root, pointer) {
  const target = event.target;
  if (event.defaultPrevented || target.closest?.("dialog, [contenteditable], textarea, select")) return false;
  if (target.tagName === "INPUT" && TYPED.has(target.type)) return false;
  return root.contains(target) || (pointer.isOverStage && target === document.body);
}

function commandOf(event) {
  const key = event.key.toLowerCase();
  if (event.altKey) return null;
  if (key === "z") return event.shiftKey ? "redo" : "undo";
  return key === "y" && !event.shiftKey ? "redo" : null;
}

const PLAIN = {
  b: "brush", e: "eraser", "[": "smaller", "]": "larger", m: "toggleMask", i: "invert",
  "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", 0: "fitView", 1: "actualSize",
};

function actionOf(event) {
  return event.altKey ? null : (PLAIN[event.key.toLowerCase()] ?? null);
}

/** A brush moved by the arrow keys. */
class KeyboardBrush {
  #at = null;

  constructor(painter) {
    this.painter = painter;
  }

  leave() {
    if (this.#at !== null) this.painter.pointer.hideCircle();
    this.#at = null;
  }

  press(event) {
    const { mask, viewport, pointer, brush } = this.painter;
    if (!(event.key in ARROWS) && event.key !== "Enter") return;
    event.preventDefault();
    const from = this.#at ?? { x: mask.width / 2, y: mask.height / 2 };
    let to = from;
    if (event.key in ARROWS && this.#at !== null) {
      const step = Math.max(1, brush.size / 2);
      const [dx, dy] = ARROWS[event.key];
      to = { x: within(from.x + dx * step, mask.width), y: within(from.y + dy * step, mask.height) };
    }
    if (event.key === "Enter" || event.shiftKey) {
      mask.begin(from, brush.size, !brush.erases);
      mask.lineTo(to);
      mask.end();
    }
    this.#at = to;
    viewport.reveal(to);
    pointer.showCircleAt(to);
  }
}

function within(value, size) {
  return Math.min(size, Math.max(0, value));
}
