// Live view of a job: a line with progress and a stop button, then the buttons below the finished clip. See job_view.py.
import { copyCode, element, hideFallback, progressBar, setText, stopButton, view } from "./live_view.js";

export default view((context) => {
  const { model, root, listen, watch, hide, disable } = context;
  const { bar, update } = progressBar();
  const name = element("b");
  const status = element("span", { class: "decart-state", role: "status" });
  const time = element("span", { class: "decart-time" });
  const hint = element("span", { class: "decart-hint" });
  const stop = stopButton(context, hint);
  const line = element("div", { class: "decart-job-line", role: "group" }, bar, name, status, time, stop, hint);

  const repeat = element("button", { type: "button" });
  const copy = element("button", { type: "button" }, "Copy as code");
  const copied = element("span", { class: "decart-hint", role: "status" });
  const code = element("pre", { class: "decart-code", tabindex: "0", "aria-label": "The call as code", hidden: true });
  const missed = element("span", { class: `decart-missed-${model.get("output_id")}` });
  const actions = element("div", { class: "decart-actions", role: "group" }, missed, repeat, copy, copied, code);

  const style = element("style");
  root.append(style, line, actions);

  // A reloaded page does not apply updates to static outputs: it may lack the last take.
  watch(["change:take", "change:missed_text"], () => {
    missed.textContent = model.get("missed_text");
    const complete = `.decart-output-${model.get("output_id")}[data-takes="${model.get("take")}"]`;
    style.textContent =
      hideFallback(model) + `:root:has(${complete}) .decart-missed-${model.get("output_id")} { display: none }`;
  });

  watch(["change:running", "change:model", "change:repeat_label", "change:problem"], () => {
    hide(line, !model.get("running"));
    hide(actions, !line.hidden);
    name.textContent = model.get("model");
    line.setAttribute("aria-label", `Job of ${model.get("model")}`);
    repeat.textContent = model.get("repeat_label");
    repeat.hidden = !model.get("repeat_label");
    repeat.disabled = false;
    copied.textContent = "";
  });
  watch(["change:status", "change:time", "change:progress"], () => {
    setText(status, model.get("status"));
    time.textContent = model.get("time");
    update(model.get("progress"), `${model.get("status")}, ${model.get("time")}`, model.get("model"));
  });
  watch(["change:retrying"], () => {
    line.classList.toggle("decart-is-retrying", model.get("retrying"));
  });
  watch(["change:code"], () => {
    code.textContent = model.get("code");
  });

  listen(repeat, "click", () => {
    disable(repeat);
    model.send({ action: "repeat" });
  });
  listen(copy, "click", async () => {
    copied.textContent = await copyCode(code);
  });
});
