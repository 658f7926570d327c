/** Dark or light: the reader's choice, else the system's; kept in this browser. */

/** @param {boolean} dark */
export function setTheme(dark) {
  document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  try {
    localStorage.setItem("studio-theme", dark ? "dark" : "light");
  } catch {
    // A browser that stores nothing still has the theme of this visit.
  }
}

export function toggleTheme() {
  setTheme(!document.body.classList.contains("dark"));
}
