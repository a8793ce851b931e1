// Live view of a sweep: totals, a bar, and a grid of its clips that fills. See sweep_view.py.
import { element, hideFallback, stopButton, view } from "./live_view.js";
import { mountGrid } from "./grid_mount.js";

const SHARES = ["done", "reused", "failed", "running"];
/** The totals with a mark in the pattern of their share of the bar. Invalid rows are part of the share "failed". */
const MARKED = [...SHARES, "invalid"];

export default view((context) => {
  const { model, root, watch } = context;
  const title = element("b");
  const totals = element("span", { class: "decart-totals", "aria-live": "off" });
  const hint = element("span", { class: "decart-hint", role: "status" });
  const summary = element("div", { class: "decart-summary" }, title, totals, hint);
  const header = element("div", { class: "decart-header" }, summary, stopButton(context, hint));

  const shares = SHARES.map((share) => element("div", { class: `decart-is-${share}` }));
  const bar = element("div", { class: "decart-bar", role: "progressbar", "aria-valuemin": "0" }, ...shares);
  const grid = element("div");
  const note = element("div", { class: "decart-note", role: "status" });

  root.classList.add("decart-sweep");
  root.setAttribute("role", "group");
  root.append(element("style", {}, hideFallback(model)), header, bar, note, grid);
  mountGrid(context, grid);

  watch(["change:title"], () => {
    title.textContent = model.get("title");
    root.setAttribute("aria-label", `Progress of ${model.get("title")}`);
    bar.setAttribute("aria-label", `Progress of ${model.get("title")}`);
  });
  watch(["change:totals", "change:over", "change:rows_ended", "change:row_count"], () => {
    // Totals change up to ten times a second; a screen reader announces only the last ones.
    totals.setAttribute("aria-live", model.get("over") ? "polite" : "off");
    totals.replaceChildren(
      ...model.get("totals").map(([category, text]) => {
        const mark = element("span", { class: `decart-mark decart-is-${category}` });
        return element("span", { class: "decart-total" }, ...(MARKED.includes(category) ? [mark] : []), text);
      }),
    );
    bar.setAttribute("aria-valuemax", model.get("row_count"));
    bar.setAttribute("aria-valuenow", model.get("rows_ended"));
    bar.setAttribute("aria-valuetext", model.get("totals").map(([, text]) => text).join(", "));
  });
  watch(["change:shares"], () => {
    model.get("shares").forEach((share, index) => {
      shares[index].style.width = `${100 * share}%`;
    });
  });

  watch(["change:note"], () => {
    note.textContent = model.get("note");
    note.title = model.get("note");
  });
});
