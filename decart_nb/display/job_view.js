// A job while it is under way, and then what can be done with its clip. See job_line.py.
import { element, view } from "./live_view.js";

export default view(({ model, root, listen, watch }) => {
  const bar = element("div", { class: "decart-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
  const filled = element("div");
  bar.append(filled);
  const name = element("b");
  const state = element("span", { class: "decart-state", role: "status" });
  const time = element("span", { class: "decart-time" });
  const stop = element("button", { type: "button" });
  const hint = element("span", { class: "decart-hint" });
  const line = element("div", { class: "decart-job-line", role: "group" }, bar, name, state, time, stop, hint);

  const again = element("button", { type: "button" });
  const copy = element("button", { type: "button" }, "Copy as code");
  const said = element("span", { class: "decart-hint", role: "status" });
  const code = element("pre", { class: "decart-code", tabindex: "0", "aria-label": "The call as code", hidden: true });
  const elsewhere = element("span");
  const actions = element("div", { class: "decart-actions", role: "group" }, elsewhere, again, copy, said, code);

  // While this view lives, it stands in for its static form. A rule, and not a change of that output, which comes anew.
  const rule = element("style");
  root.append(rule, line, actions);

  // A page that was loaded again does not know where updates belong: then the static form has missed how it ended.
  const place = `decart-output-${model.get("place")}`;
  elsewhere.className = `${place}-missed`;
  watch(["change:take", "change:elsewhere"], () => {
    elsewhere.textContent = model.get("elsewhere");
    rule.textContent =
      `.${place} .decart-fallback { display: none }` +
      `:root:has(.${place}[data-takes="${model.get("take")}"]) .${place}-missed { display: none }`;
  });

  // The focus stays in the view when what has it goes; else the frontend's keys would have no target.
  const hide = (part, hidden) => {
    if (hidden && part.contains(document.activeElement)) root.focus();
    part.hidden = hidden;
  };

  watch(["change:under_way", "change:job", "change:again", "change:problem"], () => {
    hide(line, !model.get("under_way"));
    hide(actions, !line.hidden);
    name.textContent = model.get("job");
    line.setAttribute("aria-label", `Job of ${model.get("job")}`);
    again.textContent = model.get("again");
    again.hidden = !model.get("again");
    again.disabled = false;
    said.textContent = "";
  });
  watch(["change:state", "change:time", "change:progress"], () => {
    // Only what differs is written: a screen reader speaks whenever a status is.
    if (state.textContent !== model.get("state")) state.textContent = model.get("state");
    time.textContent = model.get("time");
    const percent = Math.round(1000 * model.get("progress")) / 10;
    filled.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", percent);
    bar.setAttribute("aria-valuetext", `${model.get("state")}, ${model.get("time")}`);
    bar.setAttribute("aria-label", `Estimated progress of ${model.get("job")}`);
  });
  watch(["change:retrying"], () => {
    line.classList.toggle("decart-is-retrying", model.get("retrying"));
  });
  watch(["change:stop", "change:hint"], () => {
    stop.textContent = model.get("stop");
    hide(stop, !model.get("stop") || Boolean(model.get("hint")));
    stop.disabled = false;
    hint.textContent = model.get("hint");
  });
  watch(["change:code"], () => {
    code.textContent = model.get("code");
  });

  const disable = (button) => {
    if (button === document.activeElement) root.focus();
    button.disabled = true;
  };
  listen(stop, "click", () => {
    disable(stop);
    hint.textContent = "asked; a busy kernel hears it after its cell";
    model.send({ action: "stop" });
  });
  listen(again, "click", () => {
    disable(again);
    model.send({ action: "repeat" });
  });
  listen(copy, "click", async () => {
    try {
      await navigator.clipboard.writeText(model.get("code"));
      said.textContent = "copied";
    } catch {
      // Browsers give the clipboard to secure pages only: here it is, to be copied by hand.
      code.hidden = false;
      getSelection().selectAllChildren(code);
      said.textContent = "selected, to be copied";
    }
  });
  // Whether clicks are heard while a cell blocks differs between kernels; this one tells.
  model.send({ action: "ready" });
});
