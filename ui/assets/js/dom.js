/**
 * Building and wiring elements. Text always goes in as text: nothing here, and nothing built with it, parses
 * a string as HTML, so that prompts and file names can't become markup.
 */
import { ICONS } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";
const ADDRESSES = new Set(["href", "src", "action", "formaction", "poster"]);
/** These are live state, which the attribute of the same name only initialises. */
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate"]);

/**
 * An element with attributes and children.
 *
 * @param {string} tag
 * @param {Object<string, *>} [attrs] `class`, `data-…`, `aria-…`, … as in HTML; `onclick: function` listens;
 *   `style: {"--x": "1px"}` sets single properties; null, undefined and false leave an attribute out, true
 *   gives an empty one (aria-… take "true" and "false" in words).
 * @param {...(Node|string|number|null|undefined|false|Array)} children text stays text
 * @returns {HTMLElement}
 */
export function h(tag, attrs = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs ?? {})) setAttribute(element, name, value);
  append(element, children);
  return element;
}

function setAttribute(element, name, value) {
  if (typeof value === "function" && name.startsWith("on")) {
    element.addEventListener(name.slice(2), value);
  } else if (name.startsWith("on") || name === "innerHTML" || name === "srcdoc") {
    throw new TypeError(`${name} takes no text`);
  } else if (name === "style") {
    for (const [property, setting] of Object.entries(value ?? {})) element.style.setProperty(property, setting);
  } else if (PROPERTIES.has(name)) {
    element[name] = value ?? "";
    if (name === "value" && element.tagName === "INPUT") element.setAttribute(name, value ?? "");
  } else if (name.startsWith("aria-") && typeof value === "boolean") {
    element.setAttribute(name, String(value));
  } else if (value !== null && value !== undefined && value !== false) {
    const text = value === true ? "" : String(value);
    // eslint-disable-next-line no-script-url
    if (ADDRESSES.has(name) && /^[\s\u0000-\u001f]*javascript:/i.test(text)) throw new TypeError(`${name}: no scripts`);
    element.setAttribute(name, text);
  }
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Listen, and get the function that stops listening.
 *
 * @param {EventTarget} target
 * @param {string} types one or several, separated by spaces
 * @param {function(Event): void} listener
 * @param {AddEventListenerOptions|boolean} [options]
 * @returns {function(): void}
 */
export function on(target, types, listener, options) {
  const names = types.split(" ");
  for (const name of names) target.addEventListener(name, listener, options);
  return () => {
    for (const name of names) target.removeEventListener(name, listener, options);
  };
}

/**
 * An icon of the fixed set, hidden from screen readers: the control around it carries the name.
 *
 * @param {string} name a key of ICONS
 * @returns {SVGElement}
 */
export function icon(name) {
  const drawing = ICONS[name];
  if (drawing === undefined) throw new RangeError(`no icon "${name}"`);
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const settings = { viewBox: "0 0 24 24", width: "18", height: "18", fill: "none", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(settings)) svg.setAttribute(key, value);
  path.setAttribute("d", drawing);
  for (const key of ["stroke-linecap", "stroke-linejoin"]) path.setAttribute(key, "round");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "1.75");
  svg.classList.add("st-icon");
  svg.append(path);
  return svg;
}
