/** The Settings tab: how the page looks and calls, its keys, where things are, and what this studio is. */
import { address, getJSON } from "./api.js";
import { button } from "./button.js";
import { copyText } from "./clipboard.js";
import { h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { wish, wishes } from "./notify.js";
import { showTab } from "./tabs.js";
import { chooseTheme, themeChoice } from "./theme.js";
import { toast } from "./toast.js";

const THEMES = { system: "As the system", light: "Light", dark: "Dark" };
const KEYS = [
  ["Ctrl+Enter", "Generate, from anywhere in a form"],
  ["Alt+1 … Alt+7", "Go to a tab"],
  ["Ctrl+↑ Ctrl+↓", "Weigh the words at the cursor in a prompt more or less"],
  ["[ ]", "Smaller or larger brush in the painter"],
  ["Ctrl+Z Ctrl+Y", "Undo and redo in the painter"],
  ["← →", "The picture before or after, in the viewer"],
  ["Space", "On a job's handle in the queue: take it up; arrow keys move it, Space drops it"],
  ["Esc", "Close what is open; put back what is being moved"],
];

/** @param {{element: HTMLElement, props: {outputs: string, catalogue: string, needs_key: boolean}}} component */
export function mount({ element, props }) {
  element.replaceChildren(h("div", { class: "st-settings" }, appearance(), calling(), keys(), files(props), api(props), about()));
}

function card(title, ...children) {
  return h("section", { class: "st-card", "aria-label": title }, h("h2", {}, title), children);
}

function appearance() {
  const radios = Object.entries(THEMES).map(([choice, words]) => {
    const radio = h("input", { type: "radio", name: "st-theme", value: choice, onchange: () => chooseTheme(choice) });
    return { radio, label: h("label", { class: "st-option" }, radio, words) };
  });
  const draw = () => {
    for (const { radio } of radios) radio.checked = radio.value === themeChoice();
  };
  // The button in the top bar, and other tabs of this browser, choose as well.
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });
  draw();
  return card("Appearance", h("fieldset", {}, h("legend", {}, "Theme"), radios.map(({ label }) => label)));
}

function calling() {
  const make = (what, title, text) => {
    const box = h("input", { type: "checkbox", checked: wishes()[what] });
    box.addEventListener("change", async () => {
      const isOn = await wish(what, box.checked);
      if (box.checked && !isOn) toast("The browser does not allow notifications for this address. Its own settings, at the lock in the address bar, can change that.", "bad");
      box.checked = isOn;
    });
    return h("label", { class: "st-switch" }, box, h("span", {}, title), h("small", {}, text));
  };
  return card("When a job ends or fails",
    make("notify", "Show a notification", "While another window or tab is in front."),
    make("sound", "Play a sound", "Two tones up when it worked, down when it failed."));
}

function keys() {
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const rows = KEYS.map(([names, what]) => [h("dt", {}, names.split(" ").map((name) => (name === "…" ? "…" : h("kbd", {}, isMac ? name.replace("Ctrl", "⌘") : name)))), h("dd", {}, what)]);
  return card("Keyboard", h("dl", { class: "st-keys" }, rows));
}

function files({ outputs, catalogue }) {
  const use = h("p", { class: "st-muted" }, "Counting …");
  const load = async () => {
    try {
      const stats = await getJSON("api/library/stats");
      const count = stats.images === 1 ? "1 picture" : `${stats.images.toLocaleString()} pictures`;
      use.textContent = `${count}, ${bytes(stats.bytes)}; pictures that edits start from, ${bytes(stats.inputs_bytes)}; ${bytes(stats.free_bytes)} free on the disk.`;
    } catch (error) {
      use.textContent = error.message;
    }
  };
  // Anew whenever the tab comes into sight.
  new IntersectionObserver(([seen]) => seen.isIntersecting && load()).observe(use);
  return card("Files and disk",
    h("p", {}, "Everything made, with its settings, is in the folder ", h("code", {}, outputs), ": pictures by day in ", h("code", {}, `${outputs}/images`), ". The models are described in ", h("code", {}, catalogue), "."),
    use,
    h("div", { class: "st-settings-line" }, button("history", "Clean up in History", () => showTab("history"))));
}

function api({ needs_key: needsKey }) {
  const key = needsKey ? " -H 'Authorization: Bearer YOUR_KEY'" : "";
  const example = `curl -s ${address("api/generate")}${key} -H 'Content-Type: application/json' -d '{"prompt": "a red circle on a blue background"}'`;
  const copy = async () => {
    if (await copyText(example)) toast("The command is in the clipboard.", "good");
    else toast("The browser refuses to copy; select the text instead.", "bad");
  };
  return card("API",
    h("p", {}, "Everything this page does goes through the REST API at ", h("code", {}, address("api")), "."),
    h("pre", { class: "st-code", tabindex: "0", "aria-label": "Example" }, example),
    h("div", { class: "st-settings-line" }, button("copy", "Copy the command", copy),
      h("a", { class: "st-button st-small", href: "api/docs", target: "_blank", rel: "noopener" }, icon("link"), h("span", {}, "Documentation of the API"))));
}

function about() {
  const version = h("span", {}, "");
  getJSON("api/health").then((health) => (version.textContent = health.version === "unknown" ? "" : ` ${health.version}`), () => {});
  return card("About",
    h("p", {}, h("strong", {}, "sd.cpp Studio"), version, ": the web studio for stable-diffusion.cpp."),
    h("p", { class: "st-muted" }, "stable-diffusion.cpp and ggml are under the MIT licence, Gradio under Apache 2.0, the font IBM Plex under the SIL Open Font License. Each model has a licence of its own: see its source before you publish what it makes."),
    h("p", { class: "st-muted" }, "Nothing on this page is fetched from elsewhere, and nothing is sent anywhere."));
}
