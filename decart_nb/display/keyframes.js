// Picking of frames of a video, frame by frame. Needs no widget. See keyframes_view.py.
import { element, setText } from "./live_view.js";
import { keyframesPlayer } from "./keyframes_player.js";

const KEYFRAMES_NAMES = { first: "First", last: "Last" };
const KEYFRAMES_HINT = "Keys: Space plays · , and . step a frame (Shift: ten) · Home and End · I picks the first frame, O the last";

/**
 * Draws the video and the picked frames into `root`.
 *   info        {name, width, height, duration, frames, times}
 *   signal      an AbortSignal that releases all that is held
 *   video       a function that promises the URL of the video
 *   still       a function of a frame's number that promises the URL of its still; `small` that of a small one
 *   change      is called with the numbers {first, last, frame} after each change
 * Its `show(picks)` shows other ones.
 */
export function keyframesPicker(root, info, { picks: given, signal, video, still, small, change }) {
  const { name, frames, duration } = info;
  const last = frames - 1;
  const times = info.times.length ? info.times : Array.from({ length: frames }, (_, at) => (at * duration) / frames);
  let picks = { ...given };
  let told = JSON.stringify(picks); // what the kernel knows
  const listen = (target, type, call, options) => target.addEventListener(type, call, { ...options, signal });

  // Parts
  const button = (text, call, attributes = {}) => {
    const made = element("button", { type: "button", ...attributes }, text);
    listen(made, "click", call);
    return made;
  };
  const calls = { video, still, onFrame: arrive, onStills: showStills };
  const player = keyframesPlayer(info, { times, steady: !info.times.length, listen, signal, ...calls });
  const play = button("Play", () => toggle(), { class: "decart-keyframes-play", "aria-keyshortcuts": "Space" });
  const range = { type: "range", min: 0, max: last, step: 1, "aria-label": "Position" };
  const scrub = element("input", range);
  const number = element("input", { type: "number", min: 0, max: last, step: 1, "aria-label": "Frame number" });
  const time = element("span", { class: "decart-keyframes-time" });
  const bar = element(
    "div",
    { class: "decart-keyframes-bar" },
    play,
    button("‹", () => step(-1), { "aria-label": "Previous frame", "aria-keyshortcuts": "," }),
    button("›", () => step(1), { "aria-label": "Next frame", "aria-keyshortcuts": "." }),
    scrub,
    element("label", {}, "frame ", number, ` of 0–${last}`),
    time,
  );
  const status = element("p", { class: "decart-keyframes-status", role: "status" });
  const cards = Object.entries(KEYFRAMES_NAMES).map(([pick, title]) => {
    const image = element("img", { alt: "" });
    const text = element("span");
    const key = pick === "first" ? "I" : "O";
    const go = button("", () => show(picks[pick]), { class: "decart-keyframes-still" });
    go.append(image, text);
    const set = button(`${title} = this frame`, () => choose(pick), { "aria-keyshortcuts": key });
    const card = element("div", { role: "group", "aria-label": `${title} frame`, class: "decart-keyframes-card" }, go, set);
    return { pick, title, card, go, image, text, shown: null };
  });
  const side = element("div", { class: "decart-keyframes-picks" }, ...cards.map(({ card }) => card));
  const body = element("div", { class: "decart-keyframes-body" }, player.stage, side);
  const attributes = { role: "group", "aria-label": `Keyframes of ${name}`, "data-lm-suppress-shortcuts": "true" };
  const hint = element("p", { class: "decart-keyframes-hint" }, KEYFRAMES_HINT);
  const box = element("div", { class: "decart-keyframes", ...attributes }, body, bar, status, hint);
  root.append(box);

  const seconds = (frame) => `${times[frame].toFixed(2)} s`;
  function update() {
    const { frame } = picks;
    setText(play, player.playing() ? "Pause" : "Play");
    scrub.value = frame;
    scrub.setAttribute("aria-valuetext", `frame ${frame}, ${seconds(frame)}`);
    if (number !== document.activeElement) number.value = frame;
    setText(time, seconds(frame));
    for (const card of cards) {
      const picked = picks[card.pick];
      card.card.classList.toggle("decart-keyframes-here", picked === frame);
      if (card.shown === picked) continue;
      card.shown = picked;
      setText(card.text, `${card.title}: frame ${picked} · ${seconds(picked)}`);
      small(picked).then((url) => {
        if (card.shown === picked) card.image.src = url;
      }, (error) => setText(status, error.message));
    }
  }
  /** Tells the kernel what is picked, once it stays so for a moment: at the end of a movement. */
  function tell() {
    const now = JSON.stringify(picks);
    if (now === told) return;
    told = now;
    change({ ...picks });
  }
  /** The player shows another frame by itself. */
  function arrive(frame) {
    picks.frame = frame;
    update();
    if (!player.playing()) tell();
  }
  function showStills() {
    play.disabled = true;
    setText(status, "The video cannot be played here: its frames come from the kernel, one by one.");
  }
  function show(frame, isLast = true) {
    picks.frame = Math.min(last, Math.max(0, frame));
    player.show(picks.frame);
    update();
    if (isLast) tell();
  }
  function step(count, isLast = true) {
    player.pause();
    show(picks.frame + count, isLast);
  }
  function toggle() {
    player.toggle();
    update();
  }
  function choose(pick) {
    player.pause();
    picks[pick] = picks.frame;
    setText(status, `${KEYFRAMES_NAMES[pick]} frame: ${picks.frame}, at ${seconds(picks.frame)}`);
    update();
    tell();
  }

  // Input
  listen(scrub, "input", () => {
    player.pause();
    show(Number(scrub.value), false);
  });
  listen(scrub, "change", tell);
  const goToNumber = () => {
    player.pause();
    if (number.value.trim() !== "") show(Math.round(Number(number.value)));
    number.value = picks.frame;
  };
  listen(number, "change", goToNumber);
  const actions = {
    " ": toggle,
    ",": () => step(-1, false),
    ".": () => step(1, false),
    "<": () => step(-10, false),
    ">": () => step(10, false),
    arrowleft: (far) => step(far ? -10 : -1, false),
    arrowright: (far) => step(far ? 10 : 1, false),
    home: () => step(-frames),
    end: () => step(frames),
    i: () => choose("first"),
    o: () => choose("last"),
  };
  listen(box, "keydown", (event) => {
    const { key, target, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target === number) {
      event.stopPropagation();
      if (key === "Enter") goToNumber(); // JupyterLab takes away what Enter does by itself
      if (key === "Escape") player.stage.focus();
      return;
    }
    if (target.matches("button") && [" ", "Enter"].includes(key)) return;
    const act = actions[key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && ["i", "o", " "].includes(key.toLowerCase())) return;
    act(shiftKey);
  });
  listen(box, "keyup", () => {
    if (!player.playing()) tell();
  });
  listen(box, "focusout", (event) => {
    if (!box.contains(event.relatedTarget) && !player.playing()) tell(); // the key was let go of elsewhere
  });

  player.show(picks.frame);
  update();
  signal.addEventListener("abort", () => box.remove(), { once: true });
  return {
    show(changed) {
      if (JSON.stringify(changed) === JSON.stringify(picks)) return;
      told = JSON.stringify(changed);
      const moved = changed.frame !== picks.frame;
      picks = { ...changed };
      if (moved) {
        player.pause();
        player.show(picks.frame);
      }
      update();
    },
  };
}
