/** What the engine and the models are doing, in words. */
import { percent } from "./format.js";

export const MODEL_STATES = Object.freeze({
  missing: "Not downloaded", stopped: "Not in memory", loading: "Loading", ready: "Ready", busy: "Working",
});

/**
 * @param {{state: string, detail: string, fraction: number|null}|null} engine
 * @param {string} [model] the name of the model it has in hand
 * @returns {{title: string, text: string, kind: "good"|"plain"|"bad"|"busy"}} a headline and what it means
 */
export function engineWords(engine, model = engine?.model ?? "a model") {
  const share = engine?.fraction === null || engine?.fraction === undefined ? "" : ` (${percent(engine.fraction)})`;
  switch (engine?.state) {
    case "preparing":
      return { kind: "busy", title: `The engine is being prepared${share}`, text: `${sentence(engine.detail)}Jobs can be submitted already; they begin when it is there.` };
    case "unavailable":
      return { kind: "bad", title: "There is no working engine", text: `${sentence(engine.detail)}Then start the studio again. What waits in the queue is kept.` };
    case "stopped":
      return { kind: "plain", title: "The engine is asleep", text: "No model is in memory. The next job loads the one it needs, or start one here to have it ready." };
    case "loading":
      return { kind: "busy", title: `Loading ${model}${share}`, text: engine.detail };
    case "ready":
      return { kind: "good", title: `${model} is in memory`, text: "One model is in memory at a time: a job for another one loads that instead." };
    case "busy":
      return { kind: "good", title: `${model} is working`, text: "Other models wait until its job is done." };
    default:
      return { kind: "plain", title: "Asking the studio …", text: "" };
  }
}

function sentence(text) {
  const words = (text ?? "").trim();
  if (words === "") return "";
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."} `;
}
