/**
 * The server fills the forms a moment after the page is there. Who types in that moment keeps what was typed.
 * When a form is filled, `data-filled` of the body names it.
 */
import { field, write } from "./field.js";

const PROMPTS = '[id$="-prompt"] textarea';

export function keepEarlyWords() {
  const early = new Map();
  const done = new Set();

  document.addEventListener("input", (event) => {
    if (!event.isTrusted || !event.target.matches?.(PROMPTS)) return;
    const form = event.target.closest('[id$="-prompt"]').id.replace(/-prompt$/, "");
    if (!done.has(form)) early.set(form, event.target.value);
  });
  const settle = () => {
    // Forms may be filled before this module is there.
    for (const form of globalThis.studioFilled ?? []) {
      if (done.has(form)) continue;
      done.add(form);
      const text = early.get(form);
      const prompt = field(form, "prompt");
      if (text !== undefined && prompt !== null && prompt.value !== text) write(prompt, text);
    }
    document.body.dataset.filled = [...done].join(" ");
  };
  // What was filled in is on the screen with the next frame.
  document.addEventListener("studio:filled", () => requestAnimationFrame(() => setTimeout(settle, 0)));
  settle();
}
