/** Dark or light: the reader's choice, else the system's; kept in this browser. */

const KEY = "studio-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
/** For browsers that keep nothing: the choice of this visit. */
let chosen = null;

/** @returns {"light"|"dark"|"system"} */
export function themeChoice() {
  const kept = chosen ?? read();
  return kept === "dark" || kept === "light" ? kept : "system";
}

/** @param {"light"|"dark"|"system"} choice */
export function chooseTheme(choice) {
  chosen = choice;
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Then the choice lasts as long as the page.
  }
  apply();
}

export function toggleTheme() {
  chooseTheme(isDark() ? "light" : "dark");
}

/**
 * Hold the page to the choice from now on. Gradio puts the system's theme on it when it starts and whenever
 * the system changes, and asks nobody.
 */
export function keepTheme() {
  apply();
  new MutationObserver(apply).observe(document.body, { attributeFilter: ["class"] });
  system.addEventListener("change", apply);
  // Another tab of this browser chose.
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    chosen = null;
    apply();
  });
}

function isDark() {
  const choice = themeChoice();
  return choice === "system" ? system.matches : choice === "dark";
}

function apply() {
  const dark = isDark();
  if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
