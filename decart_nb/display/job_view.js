// Live view of a job: a line with progress and a stop button, then the buttons below the finished clip. See job_view.py.
import { copyCode, element, hideFallback, progressBar, setText, stopButton, view } from "./live_view.js";
import { mediaChannel } from "./media_channel.js";

/** Milliseconds for which the static output is waited for, before the view itself shows a clip that is not in it. */
const STATIC_DELAY = 1500;

export default view((context) => {
  const { model, root, listen, watch, hide, disable, signal } = context;
  const output = `.decart-output-${model.get("output_id")}`;
  const { bar, update } = progressBar();
  const name = element("b");
  const prompt = element("span", { class: "decart-prompt" });
  const status = element("span", { class: "decart-state", role: "status" });
  const time = element("span", { class: "decart-time" });
  const state = element("span", { class: "decart-job-state" }, status, " ", time);
  const hint = element("span", { class: "decart-hint" });
  const stop = stopButton(context, hint);
  const line = element("div", { class: "decart-job-line", role: "group" }, bar, name, prompt, state, stop, hint);

  const whose = element("span", { class: "decart-prompt decart-strip-only" });
  const repeat = element("button", { type: "button" });
  const copies = element("span", { class: "decart-copies" });
  const copied = element("span", { class: "decart-hint", role: "status" });
  const code = element("pre", { class: "decart-code", tabindex: "0", "aria-label": "The call as code", hidden: true });
  const actions = element("div", { class: "decart-actions", role: "group" }, whose, repeat, copies, copied, code);

  const style = element("style");
  const missed = element("div", { class: `decart-missed decart-missed-${model.get("output_id")}` });
  root.append(style, missed, line, actions);

  // While the view is alive, the static output keeps space for the clip of the job that is under way.
  const setStyle = () => {
    const complete = `${output}[data-takes="${model.get("clips").length}"]`;
    style.textContent =
      hideFallback(model) +
      `${output} .decart-reserved { display: ${missed.childElementCount ? "none" : "block"} !important }` +
      `:root:has(${complete}) .decart-missed-${model.get("output_id")} { display: none }`;
  };

  // A reloaded page does not apply updates to static outputs: clips that came since are fetched from the kernel.
  const media = mediaChannel(model, signal);
  const drawn = new Set();
  let waiting = 0;
  signal.addEventListener("abort", () => clearTimeout(waiting), { once: true });
  const showMissed = () => {
    const shown = Number(document.querySelector(output)?.dataset.takes ?? 0);
    model.get("clips").forEach((clip, number) => {
      if (number < shown || drawn.has(number)) return;
      drawn.add(number);
      missed.append(figureOf(clip, media.url("video", String(number))));
    });
    setStyle();
  };
  watch(["change:clips"], () => {
    setStyle();
    clearTimeout(waiting);
    waiting = setTimeout(showMissed, STATIC_DELAY);
  });

  watch(["change:running", "change:model", "change:prompt", "change:repeat_label", "change:problem"], () => {
    hide(line, !model.get("running"));
    hide(actions, !line.hidden);
    name.textContent = model.get("model");
    for (const part of [prompt, whose]) part.textContent = part.title = model.get("prompt") || model.get("model");
    prompt.hidden = !model.get("prompt");
    line.setAttribute("aria-label", `Job of ${model.get("model")}`);
    actions.setAttribute("aria-label", model.get("prompt") || model.get("model"));
    repeat.textContent = model.get("repeat_label");
    repeat.hidden = !model.get("repeat_label");
    repeat.disabled = false;
    copied.textContent = "";
  });
  watch(["change:status", "change:time", "change:progress"], () => {
    setText(status, model.get("status"));
    status.title = model.get("status");
    time.textContent = model.get("time");
    update(model.get("progress"), `${model.get("status")}, ${model.get("time")}`, model.get("model"));
  });
  watch(["change:retrying"], () => {
    line.classList.toggle("decart-is-retrying", model.get("retrying"));
  });
  watch(["change:stop_title"], () => {
    stop.title = hint.title = model.get("stop_title");
  });
  watch(["change:codes"], () => {
    const codes = model.get("codes");
    code.textContent = codes.at(-1) ?? "";
    copies.replaceChildren(
      ...codes.map((text, number) => {
        const label = codes.length > 1 ? `Copy take ${number} as code` : "Copy as code";
        const copy = element("button", { type: "button" }, label);
        listen(copy, "click", async () => {
          code.textContent = text;
          copied.textContent = await copyCode(code);
        });
        return copy;
      }),
    );
  });

  listen(repeat, "click", () => {
    disable(repeat);
    model.send({ action: "repeat" });
  });
});

/** A clip as the static output shows it, from an entry of the view's `clips` and the promise of its video's URL. */
function figureOf({ figure, box, lines, text }, url) {
  url.catch(() => {});
  if (text) return element("div", { class: "decart-missed-text" }, text);
  const properties = { controls: true, autoplay: true, loop: true, muted: true, playsInline: true };
  const video = element("video", { style: box, ...properties });
  const caption = element("figcaption", {}, ...lines.map((line) => element("div", { title: line }, line)));
  url.then(
    (source) => {
      video.src = source;
    },
    (error) => caption.append(element("div", { class: "decart-problem" }, error.message)),
  );
  return element("figure", { style: figure }, video, caption);
}
