/**
 * Ctrl+Up and Ctrl+Down in a prompt change the weight of the selected words, or of the word at the cursor:
 * `word` becomes `(word:1.1)`, and back at 1 it is `word` again.
 */

const STEP = 0.1;
const LEAST = 0.1;
const MOST = 2;
const PROMPTS = '[id$="-prompt"] textarea, [id$="-negative_prompt"] textarea';
const WEIGHTED = /\(([^()]*):(\d*\.?\d+)\)/g;

/**
 * @param {string} text
 * @param {number} start of the selection
 * @param {number} end of the selection
 * @param {1|-1} direction
 * @returns {{start: number, end: number, text: string, from: number, to: number}|null} put `text` in place of
 *   start..end, then select from..to; null if there is no word
 */
export function reweighted(text, start, end, direction) {
  for (const match of text.matchAll(WEIGHTED)) {
    const [from, to] = [match.index, match.index + match[0].length];
    if (start >= from && end <= to) return changed(match[1], Number(match[2]), direction, from, to);
  }
  const [from, to] = start < end ? trimmed(text, start, end) : wordAt(text, start);
  return from < to ? changed(text.slice(from, to), 1, direction, from, to) : null;
}

function changed(words, weight, direction, start, end) {
  const next = Math.min(MOST, Math.max(LEAST, Math.round((weight + direction * STEP) * 100) / 100));
  const isPlain = next === 1;
  const from = start + (isPlain ? 0 : 1);
  return { start, end, text: isPlain ? words : `(${words}:${next})`, from, to: from + words.length };
}

function trimmed(text, start, end) {
  const inside = text.slice(start, end);
  return [start + (inside.length - inside.trimStart().length), end - (inside.length - inside.trimEnd().length)];
}

function wordAt(text, position) {
  const before = text.slice(0, position).match(/[^\s,()[\]{}|]*$/)[0];
  const after = text.slice(position).match(/^[^\s,()[\]{}|]*/)[0];
  return [position - before.length, position + after.length];
}

export function listenForWeights() {
  document.addEventListener("keydown", (event) => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const area = event.target;
    if (direction === undefined || !(event.ctrlKey || event.metaKey) || !area.matches?.(PROMPTS)) return;
    const change = reweighted(area.value, area.selectionStart, area.selectionEnd, direction);
    if (change === null) return;
    event.preventDefault();
    area.setSelectionRange(change.start, change.end);
    // As if typed, so that the browser's undo knows of it.
    if (!document.execCommand("insertText", false, change.text)) {
      area.setRangeText(change.text, change.start, change.end);
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    area.setSelectionRange(change.from, change.to);
  });
}
