/** What is wrong with a form, told beside its button and at the field. */
import { h, icon } from "./dom.js";
import { field } from "./field.js";

/** Fields of requests that the form shows as others. */
const SHOWN_AS = { size: "width" };

/** @param {{element: HTMLElement, props: Object, watch: function}} component its value is `{text, field}` or null */
export function mount({ element, props, watch }) {
  const words = h("span", {});
  const box = h("div", { class: "st-error st-notice", role: "alert", hidden: true }, icon("warning"), words);
  element.replaceChildren(box);
  let marked = null;

  const draw = () => {
    const text = props.value?.text ?? "";
    box.hidden = text === "";
    words.textContent = text;
    marked?.removeAttribute("aria-invalid");
    const name = props.value?.field ?? "";
    marked = text !== "" && name !== "" ? field(props.form, SHOWN_AS[name] ?? name) : null;
    marked?.setAttribute("aria-invalid", "true");
  };
  watch("value", draw);
  draw();
  document.addEventListener("input", (event) => {
    // Who corrects the field needs no more telling.
    if (event.isTrusted && marked !== null && event.target === marked) props.value = null;
  });
}
