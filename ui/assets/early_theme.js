/*
 * Dark or light: the reader's choice, else the system's; kept in this browser. This is part of the page's head,
 * so that nothing is ever drawn in the wrong one. Gradio puts the system's theme on the page when it starts and
 * whenever the system changes, and asks nobody: that is taken back before it is seen.
 */
{
  const KEY = "studio-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  /** For browsers that keep nothing: the choice of this visit. */
  let chosen = null;

  const kept = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const choice = () => {
    const word = chosen ?? kept();
    return word === "dark" || word === "light" ? word : "system";
  };
  const isDark = () => (choice() === "system" ? system.matches : choice() === "dark");

  const apply = () => {
    const dark = isDark();
    const root = document.documentElement;
    root.dataset.theme = dark ? "dark" : "light";
    root.style.colorScheme = root.dataset.theme;
    const { body } = document;
    if (body !== null && body.classList.contains("dark") !== dark) body.classList.toggle("dark", dark);
  };
  const choose = (word) => {
    chosen = word;
    try {
      if (word === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, word);
    } catch {
      // Then the choice lasts as long as the page.
    }
    apply();
  };

  apply();
  new MutationObserver((_, observer) => {
    if (document.body === null) return;
    observer.disconnect();
    apply();
    new MutationObserver(apply).observe(document.body, { attributeFilter: ["class"] });
  }).observe(document.documentElement, { childList: true });
  system.addEventListener("change", apply);
  // Another tab of this browser chose.
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    chosen = null;
    apply();
  });
  globalThis.studioTheme = { choice, choose, toggle: () => choose(isDark() ? "light" : "dark") };
}
