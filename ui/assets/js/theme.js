/** Dark or light, for the controls that choose it; the page's head holds the page to it (early_theme.js). */

/** @returns {"light"|"dark"|"system"} */
export function themeChoice() {
  return globalThis.studioTheme.choice();
}

/** @param {"light"|"dark"|"system"} choice */
export function chooseTheme(choice) {
  globalThis.studioTheme.choose(choice);
}

export function toggleTheme() {
  globalThis.studioTheme.toggle();
}
