// Comparison of two to four videos: side by side, under a wipe, flickering, or as their difference. Needs no widget.
import { Clock } from "./clock.js";
import {
  COMPARE_MODES, COMPARE_RATES, compareCaption, compareFraction, compareGain, compareMemory, comparePane,
} from "./compare_parts.js";
import { element, setText } from "./live_view.js";

const COMPARE_SPEEDS = [0.1, 0.25, 0.5, 1, 2];
/** The difference is multiplied by two to the power of at most this. */
const COMPARE_MOST_GAIN = 5;
/** The most pixels of the screen to one of the largest video, in each direction. */
const COMPARE_MOST_ZOOM = 32;
const COMPARE_KEYS =
  "Space play · ← → frame · 1–4 mode · + − zoom · 0 fit · Shift + arrows pan · F flicker · X swap · " +
  "wheel zoom, after a click";

/**
 * Draws a comparison into `root`.
 *   items              2 to 4 of {label, facts, width, height, fps, duration}; `facts` is a text or a list of texts
 *   signal             an AbortSignal that releases all that the comparison holds
 *   video, poster      functions of an item and `signal` that promise a URL; `poster` may be missing
 */
export function comparison(root, items, { signal, video: videoUrl, poster: posterUrl }) {
  const { memory, save } = compareMemory();
  const clock = new Clock(signal);
  const listen = (target, type, call, options) => target.addEventListener(type, call, { ...options, signal });
  const panes = items.map(comparePane);
  const fps = Math.max(...items.map((item) => item.fps || 0)) || 25;
  const reference = items.reduce((best, item) => (item.width * item.height > best.width * best.height ? item : best));
  let pair = [0, 1];
  let front = 0; // which of the pair flicker shows
  let wipe = 0.5;

  const button = (text, call, attributes = {}) => {
    const made = element("button", { type: "button", ...attributes }, text);
    listen(made, "click", call);
    return made;
  };
  const select = (name, options, chosen, call) => {
    const choices = options.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
    const made = element("select", { "aria-label": name }, ...choices);
    listen(made, "change", () => call(made.value));
    return made;
  };

  // Parts
  const modes = Object.entries(COMPARE_MODES).map(([mode, text]) =>
    button(text, () => setMode(mode), { "data-mode": mode }));
  const choices = panes.map(({ letter, item }, index) => [index, `${letter} · ${item.label}`]);
  const pairs = ["First video", "Second video"].map((name, side) =>
    select(name, choices, side, (index) => choose(side, Number(index))));
  const swap = button("Swap", () => choose(0, pair[1]), { title: "Swap the two videos (X)" });
  const rates = COMPARE_RATES.map((rate) => [rate, rate ? `${rate} a second` : "by key F"]);
  const rate = select("Flicker rate", rates, memory.rate, (value) => setRate(Number(value)));
  const range = (name, attributes) => element("input", { type: "range", "aria-label": name, min: 0, ...attributes });
  const gain = range("Gain", { max: COMPARE_MOST_GAIN, step: 0.5 });
  const gainText = element("output");
  const zoomText = element("output", { class: "decart-compare-percent" });
  const group = (name, part, ...children) =>
    element("span", { role: "group", "aria-label": name, class: `decart-compare-${part}` }, ...children);
  const zoom = group(
    "Zoom",
    "zoom",
    button("−", () => zoomBy(1 / 1.5), { "aria-label": "Zoom out" }),
    zoomText,
    button("+", () => zoomBy(1.5), { "aria-label": "Zoom in" }),
    button("Fit", () => zoomTo(1), { title: "Show the whole picture (0)" }),
    button("1:1", () => zoomTo(1 / fitScale()), { "aria-label": "One to one", title: "Pixel for pixel" }),
  );
  const gainLabel = element("label", { class: "decart-compare-gain" }, "gain ", gain, gainText);
  const options = group("Options of the mode", "options", ...(items.length > 2 ? pairs : []), swap, rate, gainLabel);
  const bar = element("div", { class: "decart-compare-bar" }, group("Mode", "modes", ...modes), options, zoom);

  const divider = element("div", {
    class: "decart-compare-divider", role: "slider", tabindex: "0", "aria-label": "Wipe",
    "aria-valuemin": 0, "aria-valuemax": 100,
  });
  const badges = [element("span"), element("span")];
  const overlay = element("div", { class: "decart-compare-overlay" }, ...badges, divider);
  const figures = panes.map((pane) => pane.figure);
  const pictures = element("div", { class: "decart-compare-pictures", "data-count": items.length }, ...figures);
  const focusable = { tabindex: "0", role: "group", "aria-label": "Pictures" };
  const stage = element("div", { class: "decart-compare-stage", ...focusable }, pictures, overlay);
  const legend = element("div", { class: "decart-compare-legend" });

  const play = button("Play", () => toggle(), { class: "decart-compare-play" });
  const scrub = range("Position", { step: 1 });
  const number = element("input", { type: "number", min: 1, "aria-label": "Frame number" });
  const count = element("span");
  const seconds = element("span", { class: "decart-compare-seconds" });
  const speeds = COMPARE_SPEEDS.map((speed) => [speed, `${speed}×`]);
  const transport = element(
    "div",
    { class: "decart-compare-bar" },
    play,
    button("‹", () => step(-1), { "aria-label": "Previous frame" }),
    button("›", () => step(1), { "aria-label": "Next frame" }),
    scrub,
    element("label", { class: "decart-compare-frame-number" }, "frame ", number, count),
    seconds,
    select("Speed", speeds, 1, (speed) => (clock.speed = Number(speed))),
    button("Full screen", () => toggleFullScreen(), { hidden: !document.fullscreenEnabled }),
  );
  const keys = element("p", { class: "decart-compare-keys" }, COMPARE_KEYS);

  const named = `Comparison of ${items.map((item) => item.label).join(" and ")}`;
  // JupyterLab takes no key in here for a shortcut of its own.
  const attributes = { role: "group", "aria-label": named, "data-lm-suppress-shortcuts": "true" };
  const box = element("div", { class: "decart-compare", ...attributes }, bar, stage, legend, transport, keys);
  box.style.setProperty("--decart-compare-ratio", reference.width / reference.height || 16 / 9);
  root.append(box);

  // Modes
  const shown = () => (memory.mode === "side" ? panes : pair.map((index) => panes[index]));

  function arrange() {
    const { mode } = memory;
    box.dataset.mode = mode;
    for (const made of modes) made.setAttribute("aria-pressed", made.dataset.mode === mode);
    panes.forEach((pane, index) => {
      const side = mode === "side" ? "" : ["first", "second"][pair.indexOf(index)];
      pane.figure.hidden = side === undefined;
      pane.figure.dataset.side = side ?? "";
      if (pane.figure.hidden) clock.remove(pane.video);
      else clock.add(pane.video);
    });
    pairs.forEach((made, side) => (made.value = pair[side]));
    const [first, second] = pair.map((index) => panes[index]);
    for (const made of [...pairs, swap]) made.hidden = mode === "side";
    rate.hidden = mode !== "flicker";
    gain.parentElement.hidden = mode !== "difference";
    divider.hidden = mode !== "wipe";
    legend.hidden = mode === "side";
    legend.replaceChildren(...[first, second].map(({ item, letter }) => compareCaption("div", item, letter)));
    badges[1].hidden = mode !== "wipe";
    badges[1].textContent = second.letter;
    showFront();
    showGain();
    showZoom();
    update();
  }

  function setMode(mode) {
    memory.mode = mode;
    save();
    arrange();
    restartFlicker();
  }

  function choose(side, index) {
    // The one that was there takes the other's place, so that no video is compared with itself.
    if (pair[1 - side] === index) pair = [pair[1], pair[0]];
    else pair[side] = index;
    arrange();
  }

  function showFront() {
    const { mode } = memory;
    pictures.dataset.front = mode === "flicker" && front ? "second" : "first";
    const [first, second] = pair.map((index) => panes[index]);
    const texts = { side: "", wipe: first.letter, flicker: [first, second][front].letter };
    const difference = `difference of ${first.letter} and ${second.letter}, gain ${compareGain(memory.gain)}`;
    setText(badges[0], texts[mode] ?? difference);
    badges[0].hidden = !badges[0].textContent;
    [...legend.children].forEach((part, side) => {
      part.classList.toggle("decart-compare-front", mode === "flicker" && side === front);
    });
  }

  let flickering = 0;
  const flip = () => {
    front = 1 - front;
    showFront();
  };
  function restartFlicker() {
    clearInterval(flickering);
    if (memory.mode === "flicker" && memory.rate && !signal.aborted) flickering = setInterval(flip, 1000 / memory.rate);
  }
  function setRate(value) {
    memory.rate = value;
    save();
    rate.value = value;
    restartFlicker();
  }
  function flickerByKey() {
    if (memory.mode !== "flicker") setMode("flicker");
    if (memory.rate) setRate(0);
    flip();
  }

  function showGain() {
    gain.value = memory.gain;
    gain.setAttribute("aria-valuetext", compareGain(memory.gain));
    setText(gainText, compareGain(memory.gain));
    box.style.setProperty("--decart-compare-gain", 2 ** memory.gain);
  }

  function setWipe(fraction) {
    wipe = Math.min(1, Math.max(0, fraction));
    box.style.setProperty("--decart-compare-wipe", `${100 * wipe}%`);
    divider.setAttribute("aria-valuenow", Math.round(100 * wipe));
    divider.setAttribute("aria-valuetext", `${Math.round(100 * wipe)} %`);
  }

  // Zoom: `x` and `y` are the point of the picture, from 0 to 1, in the middle of each frame; a zoom of 1 fits it in.
  const frameOf = (target) => target.closest?.(".decart-compare-frame") ?? shown()[0].frame;
  /** Pixels of the screen to one of the largest video at a zoom of 1. */
  const fitScale = () => (shown()[0].frame.clientWidth * devicePixelRatio) / reference.width || 1;

  function zoomTo(wanted, at = { x: 0.5, y: 0.5 }) {
    const fit = fitScale();
    const factor = Math.min(Math.max(wanted, Math.min(1, 1 / fit)), Math.max(1, COMPARE_MOST_ZOOM / fit));
    for (const axis of ["x", "y"]) {
      const point = memory[axis] + (at[axis] - 0.5) / memory.zoom; // it stays where it is on the screen
      memory[axis] = point - (at[axis] - 0.5) / factor;
    }
    memory.zoom = factor;
    panBy(0, 0);
  }
  const zoomBy = (factor, at) => zoomTo(memory.zoom * factor, at);

  /** Moves the pictures by fractions of a frame. */
  function panBy(x, y) {
    const margin = Math.min(0.5, 0.5 / memory.zoom);
    memory.x = Math.min(1 - margin, Math.max(margin, memory.x - x / memory.zoom));
    memory.y = Math.min(1 - margin, Math.max(margin, memory.y - y / memory.zoom));
    save();
    showZoom();
  }

  function showZoom() {
    const scale = fitScale() * memory.zoom;
    box.style.setProperty("--decart-compare-zoom", memory.zoom);
    for (const axis of ["x", "y"]) {
      box.style.setProperty(`--decart-compare-${axis}`, `${100 * (0.5 - memory[axis] * memory.zoom)}%`);
    }
    box.classList.toggle("decart-compare-zoomed", memory.zoom > 1);
    for (const { item, video } of panes) {
      const fits = Math.max(item.width / reference.width, item.height / reference.height) || 1;
      video.classList.toggle("decart-compare-pixelated", scale / fits > 1);
    }
    setText(zoomText, `${Math.round(100 * scale)} %`);
  }

  function toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else box.requestFullscreen().catch(() => {}); // where a page may not
  }

  // Time, in frames of the video with the highest rate
  const frameCount = () => {
    const length = clock.duration || Math.max(...shown().map(({ item }) => item.duration || 0));
    return Math.max(1, Math.round(length * fps));
  };
  const currentFrame = () => Math.min(frameCount() - 1, Math.floor(clock.time * fps + 1e-6));
  /** Shows a frame; its middle, since at an edge a browser may show the one before. */
  const show = (frame) => clock.seek((Math.min(frameCount() - 1, Math.max(0, frame)) + 0.5) / fps);
  function step(frames) {
    clock.pause();
    show(currentFrame() + frames);
  }
  function toggle() {
    if (clock.playing) step(0);
    else clock.play();
    update();
  }

  function update() {
    const frame = currentFrame();
    const total = frameCount();
    setText(play, clock.playing ? "Pause" : "Play");
    scrub.max = total - 1;
    scrub.value = frame;
    scrub.setAttribute("aria-valuetext", `frame ${frame + 1} of ${total}`);
    number.max = total;
    if (number !== document.activeElement) number.value = frame + 1;
    setText(count, ` of ${total}`);
    setText(seconds, `${(frame / fps).toFixed(2)} s`);
  }

  // Input
  listen(scrub, "input", () => show(Number(scrub.value)));
  const goToNumber = () => {
    clock.pause();
    show(Number(number.value) - 1);
    number.value = currentFrame() + 1;
  };
  listen(number, "change", goToNumber);
  listen(gain, "input", () => {
    memory.gain = Number(gain.value);
    save();
    showGain();
    showFront();
  });
  listen(stage, "wheel", (event) => {
    const zooms = event.ctrlKey || event.metaKey || box.contains(document.activeElement);
    if (!zooms) return; // the page scrolls
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), compareFraction(event, frameOf(event.target)));
  }, { passive: false });

  let drag = null; // where the pointer was, in fractions of a frame
  listen(stage, "pointerdown", (event) => {
    if (event.button) return;
    const frame = frameOf(event.target);
    const wipes = memory.mode === "wipe" && (event.target === divider || memory.zoom <= 1);
    drag = { frame, wipes, ...compareFraction(event, frame) };
    (wipes ? divider : stage).focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    if (wipes) setWipe(drag.x);
    event.preventDefault();
  });
  listen(stage, "pointermove", (event) => {
    if (!drag) return;
    const { x, y } = compareFraction(event, drag.frame);
    if (drag.wipes) setWipe(x);
    else panBy(x - drag.x, y - drag.y);
    Object.assign(drag, { x, y });
  });
  for (const type of ["pointerup", "pointercancel"]) listen(stage, type, () => (drag = null));

  function arrowKey(target, [x, y], shiftKey) {
    if (target === divider) setWipe(wipe + (x - y) * (shiftKey ? 0.1 : 0.01));
    else if (shiftKey) panBy(-x * 0.1, -y * 0.1);
    else if (x) step(x);
  }
  listen(box, "keydown", (event) => {
    const { key, target, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("select, input[type=number]")) {
      event.stopPropagation();
      if (key === "Enter" && target === number) goToNumber(); // JupyterLab takes away what Enter does by itself
      if (key === "Escape") stage.focus();
      return;
    }
    if (target.matches("button") && [" ", "Enter"].includes(key)) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (target === gain && arrow) return;
    const act = arrow ? () => arrowKey(target, arrow, shiftKey) : actions[key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  const actions = {
    " ": toggle,
    ",": () => step(-1),
    ".": () => step(1),
    home: () => show(0),
    end: () => show(frameCount()),
    "+": () => zoomBy(1.5),
    "=": () => zoomBy(1.5),
    "-": () => zoomBy(1 / 1.5),
    0: () => zoomTo(1),
    f: flickerByKey,
    x: () => choose(0, pair[1]),
    ...Object.fromEntries(Object.keys(COMPARE_MODES).map((mode, index) => [index + 1, () => setMode(mode)])),
  };

  // Videos
  for (const { item, video, note } of panes) {
    const say = (text) => {
      note.hidden = !text;
      setText(note, text);
    };
    listen(video, "loadeddata", () => {
      video.removeAttribute("poster"); // it would hide the first frame
      say("");
      update();
    });
    listen(video, "error", () => {
      if (video.getAttribute("src")) say("This browser cannot play this video.");
    });
    posterUrl?.(item, signal).then((url) => {
      if (!signal.aborted && !video.readyState) video.poster = url;
    }, () => {}); // the video says what is wrong
    videoUrl(item, signal).then((url) => {
      if (!signal.aborted) video.src = url;
    }, (error) => say(error.message));
  }

  const resized = new ResizeObserver(showZoom);
  resized.observe(stage);
  clock.onTime(update);
  setWipe(wipe);
  arrange();
  restartFlicker();
  signal.addEventListener("abort", () => {
    clearInterval(flickering);
    resized.disconnect();
    for (const { video } of panes) {
      video.removeAttribute("src");
      video.load(); // releases the decoder
    }
    box.remove();
  }, { once: true });
}
