// Plays the motion along a path at the model's rate, as a preview. See trajectory.js.
import { element, setText } from "./live_view.js";

/** A bar with a button and a slider; `at` is called with the frame that is to be shown. */
export function trajectoryPreview({ fps, frames }, { listen, signal, at }) {
  const play = element("button", { type: "button", class: "decart-trajectory-play", "aria-keyshortcuts": "Space" }, "Play");
  const range = { type: "range", min: 0, max: frames - 1, step: 1, value: 0, "aria-label": "Frame of the preview" };
  const slider = element("input", range);
  const text = element("span", { class: "decart-trajectory-time" });
  const bar = element("div", { class: "decart-trajectory-bar" }, play, slider, text);
  let frame = 0;
  let began = 0; // performance.now() at frame 0
  let timer = 0; // of the next picture, while it plays

  function show() {
    slider.value = frame;
    slider.setAttribute("aria-valuetext", `frame ${frame}`);
    setText(text, `frame ${frame} of 0–${frames - 1} · ${(frame / fps).toFixed(2)} s`);
    setText(play, timer ? "Pause" : "Play");
    at(frame);
  }
  function tick(now) {
    frame = Math.floor((Math.max(0, now - began) / 1000) * fps) % frames;
    timer = requestAnimationFrame(tick);
    show();
  }
  function pause() {
    cancelAnimationFrame(timer);
    timer = 0;
  }
  function toggle() {
    if (timer) {
      pause();
    } else if (!play.disabled) {
      began = performance.now() - (1000 * (frame >= frames - 1 ? 0 : frame)) / fps;
      timer = requestAnimationFrame(tick);
    }
    show();
  }
  listen(play, "click", toggle);
  listen(slider, "input", () => {
    pause();
    frame = Number(slider.value);
    show();
  });
  signal.addEventListener("abort", pause, { once: true });
  return {
    bar,
    toggle,
    /** Shows the frame again after a change of the path. */
    update(some) {
      if (!some) pause();
      play.disabled = slider.disabled = !some;
      show();
    },
  };
}
