// A labelled choice among a few values.
import { element } from "./live_view.js";

/** A labelled `<select>`; `fill` sets its options as [value, text]. */
export function chooser(name) {
  const select = element("select", { "aria-label": name });
  const label = element("label", {}, `${name} `, select);
  return {
    label,
    select,
    fill(options, value) {
      select.replaceChildren(...options.map(([key, text]) => element("option", { value: key }, text)));
      select.value = value;
    },
  };
}
