/** Keys that work everywhere: generate from anywhere in a form, and tabs by number. */
import { showTab } from "./tabs.js";

const TABS = ["txt2img", "edit", "variations", "queue", "history", "models", "settings"];

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const button = [...document.querySelectorAll("button.st-go")].find((candidate) => candidate.offsetParent !== null);
      if (button && !button.disabled) {
        event.preventDefault();
        // What is being typed becomes a value only when its field hears of it.
        document.activeElement?.dispatchEvent(new Event("input", { bubbles: true }));
        button.click();
      }
    } else if (event.altKey && !event.ctrlKey && /^[1-7]$/.test(event.key)) {
      if (showTab(TABS[Number(event.key) - 1])) event.preventDefault();
    }
  });
}
