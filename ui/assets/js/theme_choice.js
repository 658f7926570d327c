/** Which theme the reader chose: light, dark, or whatever the system is at. */
import { setTheme } from "./theme.js";

const KEY = "studio-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light"|"dark"|"system"} */
export function themeChoice() {
  try {
    const chosen = localStorage.getItem(KEY);
    return chosen === "dark" || chosen === "light" ? chosen : "system";
  } catch {
    return "system";
  }
}

/** @param {"light"|"dark"|"system"} choice kept in this browser */
export function chooseTheme(choice) {
  setTheme(choice === "system" ? system.matches : choice === "dark");
  if (choice !== "system") return;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing is kept here, so every visit follows the system anyway.
  }
}

/** Follow the system from now on, while that is the choice. */
export function followSystem() {
  system.addEventListener("change", () => {
    if (themeChoice() === "system") chooseTheme("system");
  });
}
