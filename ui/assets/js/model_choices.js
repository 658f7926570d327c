/**
 * Has the forms' model pickers offered anew when models came, or files of models came or went, since they were drawn.
 * `props.offered` is [id, whether files of it are missing] of each model at that time.
 */
import { watchModels } from "./model_list.js";

/** @param {{props: {offered: Array<[string, boolean]>}, trigger: function(string): void}} component */
export function mount({ props, trigger }) {
  let known = JSON.stringify(props.offered);
  watchModels((models) => {
    const offered = JSON.stringify(models.map((model) => [model.id, model.missing.length > 0]));
    if (offered === known) return;
    known = offered;
    trigger("change_of_files");
  });
}
