/**
 * Has the forms' model pickers offered anew when files of models came or went since they were drawn.
 * `props.absent` is the list of models that lacked files then.
 */
import { watchModels } from "./model_list.js";

/** @param {{props: {absent: string[]}, trigger: function(string): void}} component */
export function mount({ props, trigger }) {
  let known = [...props.absent].sort().join();
  watchModels((models) => {
    const absent = models.filter((model) => model.missing.length > 0).map((model) => model.id).sort().join();
    if (absent === known) return;
    known = absent;
    trigger("change_of_files");
  });
}
