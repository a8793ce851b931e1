// Drawing of a path on an image, with a pointer or by keyboard. Needs no widget. See trajectory_view.py.
import { copyCode, element, setText } from "./live_view.js";
import { TrajectoryHistory } from "./trajectory_history.js";
import { trajectoryNumbers } from "./trajectory_numbers.js";
import {
  trajectoryAt, trajectoryEven, trajectoryInside, trajectoryOfStroke, trajectorySmoothed, trajectoryStretched,
} from "./trajectory_path.js";
import { trajectoryPreview } from "./trajectory_preview.js";
import { trajectoryStage } from "./trajectory_stage.js";

/** The most frames over which a path is smoothed. */
const TRAJECTORY_MOST_SMOOTHING = 16;
const TRAJECTORY_KEYS =
  "Drag to draw, click to add a point. Keys: , and . go from point to point · arrows move it (Shift: 10 pixels) · [ and ] " +
  "move it in time · A adds one · Delete removes it · Space plays · Ctrl+Z takes back";
const TRAJECTORY_EMPTY = "Drag to draw a path, or click point by point. What lies under its beginning will follow it.";

/** Points as the kernel keeps them: a digit more would come back as a change. */
function trajectoryRounded(points) {
  return points.map(({ frame, x, y }) => ({ frame, x: Number(x.toFixed(6)), y: Number(y.toFixed(6)) }));
}

/**
 * Draws an editor into `root`.
 *   picture     {name, width, height, fps, frames}
 *   given       the points to begin with
 *   signal      an AbortSignal that releases all that the editor holds
 *   image       the promise of the image's URL
 *   change      is called with the points after each change
 * Its `show(points)` replaces the path.
 */
export function trajectoryEditor(root, picture, { given, signal, image, change }) {
  const { frames } = picture;
  const last = frames - 1;
  const history = new TrajectoryHistory(given);
  let draft = null; // the points while they are moved
  let chosen = 0; // the point that the keys act on
  const listen = (target, type, call, options) => target.addEventListener(type, call, { ...options, signal });
  let smoothed = {}; // {state, points}: the points of a state, since smoothing takes a moment
  const points = () => {
    const { state } = history;
    if (smoothed.state !== state) {
      smoothed = { state, points: trajectoryRounded(trajectorySmoothed(state.points, state.smoothing, picture)) };
    }
    return draft ?? smoothed.points;
  };

  // Parts
  const button = (text, call, attributes = {}) => {
    const made = element("button", { type: "button", ...attributes }, text);
    listen(made, "click", call);
    return made;
  };
  const undo = button("Undo", () => travel(-1), { "aria-keyshortcuts": "Control+Z" });
  const redo = button("Redo", () => travel(1), { "aria-keyshortcuts": "Control+Shift+Z" });
  const clear = button("Clear", () => edit([]));
  const copy = button("Copy as code", async () => {
    code.textContent = codeOf(points());
    say(`${await copyCode(code)}: points for dnb.trajectory(image, points)`);
  });
  const code = element("pre", { class: "decart-trajectory-code", tabindex: "0", "aria-label": "The points", hidden: true });
  const speeds = [["even", "even"], ["drawn", "as drawn"]].map(([value, text]) => element("option", { value }, text));
  const speed = element("select", { "aria-label": "Speed along the path" }, ...speeds);
  const range = { type: "range", min: 0, max: TRAJECTORY_MOST_SMOOTHING, step: 1, "aria-label": "Smoothing" };
  const smoothing = element("input", range);
  const amount = element("span", { class: "decart-trajectory-amount", "aria-hidden": "true" });
  const ends = ["First frame of the path", "Last frame of the path"].map((name) =>
    element("input", { type: "number", min: 0, max: last, step: 1, "aria-label": name }));
  const label = (text, ...parts) => element("label", {}, text, " ", ...parts);
  const tools = element(
    "div",
    { class: "decart-trajectory-bar" },
    undo,
    redo,
    clear,
    label("speed", speed),
    label("smoothing", smoothing, amount),
    element("span", { role: "group", "aria-label": "Frames of the path" }, "frames ", ends[0], " – ", ends[1]),
    copy,
  );
  const stage = trajectoryStage(picture, { listen, image, draw, add, grab, moveTo, settle, choose });
  const numbers = trajectoryNumbers(picture, { listen, set, insert, remove, choose });
  const preview = trajectoryPreview(picture, { listen, signal, at: (frame) => stage.showAt(place(frame), points()[0]) });
  const status = element("p", { class: "decart-trajectory-status", role: "status" });
  const body = element("div", { class: "decart-trajectory-body" }, stage.box, numbers.box);
  const attributes = { role: "group", "aria-label": `Path on ${picture.name}` };
  // JupyterLab takes no key in here for a shortcut of its own.
  attributes["data-lm-suppress-shortcuts"] = "true";
  const keys = element("p", { class: "decart-trajectory-keys" }, TRAJECTORY_KEYS);
  const box = element("div", { class: "decart-trajectory", ...attributes }, tools, body, preview.bar, status, code, keys);
  root.append(box);

  function place(frame) {
    const shown = points();
    return shown.length ? trajectoryAt(shown, frame) : null;
  }

  function update() {
    const shown = points();
    const { stroke, drawn, smoothing: frameCount } = history.state;
    const some = shown.length > 0;
    chosen = Math.max(0, Math.min(chosen, shown.length - 1));
    code.hidden = true;
    stage.show(shown, chosen);
    numbers.show(shown, chosen);
    stage.note(some ? "" : TRAJECTORY_EMPTY);
    for (const [part, can] of [[undo, history.canGo(-1)], [redo, history.canGo(1)], [clear, some], [copy, some]]) {
      if (!can && part === document.activeElement) stage.box.focus(); // or keys would go to the frontend
      part.disabled = !can;
    }
    speed.value = drawn ? "drawn" : "even";
    speeds[1].disabled = some && !stroke;
    smoothing.value = frameCount;
    smoothing.disabled = shown.length < 3 && !frameCount;
    smoothing.setAttribute("aria-valuetext", frameCount ? `over ${frameCount} frames` : "none");
    setText(amount, String(frameCount));
    ends.forEach((input, side) => {
      input.disabled = shown.length < 2;
      if (input !== document.activeElement) input.value = some ? shown.at(-side).frame : "";
    });
    preview.update(some);
  }

  const codeOf = (given) => `[${given.map(({ frame, x, y }) => `(${frame}, ${x}, ${y})`).join(", ")}]`;
  const say = (text) => setText(status, text);
  const count = (number) => `${number} point${number === 1 ? "" : "s"}`;
  function tell() {
    const shown = points();
    const more = shown.length === 1 ? " A path needs at least two." : "";
    say(shown.length ? `${count(shown.length)}.${more}` : "");
  }

  // Changes
  function commit(state, kind = "") {
    draft = null;
    history.add(state, kind);
    tell();
    update();
    change(points());
  }
  /** The path is these points from now on, as they are. */
  function edit(changed, kind) {
    const sorted = [...changed].sort((a, b) => a.frame - b.frame);
    commit({ points: trajectoryRounded(sorted), stroke: null, smoothing: 0, drawn: false }, kind);
  }
  function travel(steps) {
    draft = null;
    if (!history.go(steps)) return;
    tell();
    update();
    change(points());
  }
  const span = () => {
    const shown = points();
    return shown.length > 1 ? [shown[0].frame, shown.at(-1).frame] : [0, last];
  };

  /** A stroke of the pointer is the new path. */
  function draw(stroke) {
    chosen = 0;
    commit(ofStroke({ ...history.state, stroke }));
  }
  const ofStroke = (state) =>
    ({ ...state, points: trajectoryOfStroke(state.stroke, ...span(), picture, state.drawn) });

  /** The path goes on to a place, and has its whole time for all of the way. */
  function add(where) {
    const shown = points();
    if (shown.length >= frames) return say(`There are ${frames} frames, and a point at each of them.`);
    const [begin, end] = span();
    if (end - begin < shown.length) return say(`Frames ${begin} to ${end} have a point each: give the path more frames.`);
    chosen = shown.length;
    return edit(trajectoryEven([...shown, where], begin, end, picture));
  }
  /** A new point between one and the next, or, behind the last, between it and the one before. */
  function insert(index) {
    const shown = points();
    if (!shown.length) return add({ x: 0.5, y: 0.5 });
    if (shown.length === 1) return add(trajectoryInside({ x: shown[0].x + 0.1, y: shown[0].y }));
    const [a, b] = index < shown.length - 1 ? [shown[index], shown[index + 1]] : shown.slice(-2);
    const frame = Math.floor((a.frame + b.frame) / 2);
    if (frame === a.frame) return say(`There is no frame between ${a.frame} and ${b.frame}.`);
    chosen = shown.indexOf(b);
    edit([...shown, { frame, ...trajectoryInside(trajectoryAt(shown, frame)) }]);
    return stage.focus(chosen);
  }
  function remove(index) {
    const shown = points();
    if (!shown[index]) return;
    const hadFocus = stage.hasFocus();
    edit(shown.filter((_, at) => at !== index));
    if (hadFocus) stage.focus(chosen);
  }
  /** Sets a number of a point. */
  function set(index, name, value) {
    const shown = points();
    if (!Number.isFinite(value) || !shown[index]) return update();
    const point = { ...shown[index], [name]: value };
    if (name === "frame") point.frame = Math.min(last, Math.max(0, Math.round(value)));
    const others = shown.filter((_, at) => at !== index);
    if (others.some(({ frame }) => frame === point.frame)) {
      say(`Frame ${point.frame} has a point already.`);
      return update();
    }
    const moved = { ...point, ...trajectoryInside(point) };
    if (moved[name] === shown[index][name]) return update();
    edit([...others, moved], `${name} of ${index}`);
    chosen = points().findIndex(({ frame }) => frame === moved.frame);
    return update();
  }

  // A point that is moved, until it is let go of
  function choose(index) {
    if (chosen === index) return;
    chosen = index;
    update();
  }
  function grab(index) {
    choose(index);
    stage.focus(index);
  }
  function moveTo(index, where) {
    draft = points().map((point, at) => (at === index ? { ...point, ...trajectoryInside(where) } : point));
    update();
  }
  function settle(keeps = true) {
    if (!draft) return;
    if (!keeps) {
      draft = null;
      update();
      return;
    }
    const index = chosen;
    edit(draft);
    say(stage.labelOf(points()[index], index, points().length));
  }

  // Input
  listen(speed, "change", () => {
    const drawn = speed.value === "drawn";
    if (history.state.stroke) {
      commit(ofStroke({ ...history.state, drawn }));
    } else {
      history.replace({ ...history.state, drawn });
      update();
    }
  });
  listen(smoothing, "input", () => commit({ ...history.state, smoothing: Number(smoothing.value) }, "smoothing"));
  const stretch = () => {
    const [begin, end] = ends.map(({ value }) => Math.min(last, Math.max(0, Math.round(Number(value)))));
    const shown = points();
    if (shown.length < 2) return;
    if (end - begin < shown.length - 1) say(`${count(shown.length)} need at least ${shown.length} frames.`);
    else edit(trajectoryStretched(shown, begin, end), "stretch");
    for (const [side, input] of ends.entries()) input.value = points().at(-side).frame;
  };
  for (const input of ends) listen(input, "change", stretch);

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function nudge([x, y], step) {
    const point = points()[chosen];
    if (point) moveTo(chosen, { x: point.x + (x * step) / picture.width, y: point.y + (y * step) / picture.height });
  }
  function go(steps) {
    const total = points().length;
    if (!total) return;
    choose((chosen + steps + total) % total);
    stage.focus(chosen);
  }
  const actions = {
    " ": preview.toggle,
    ",": () => go(stage.hasFocus() ? -1 : 0),
    ".": () => go(stage.hasFocus() ? 1 : 0),
    "[": () => set(chosen, "frame", points()[chosen]?.frame - 1),
    "]": () => set(chosen, "frame", points()[chosen]?.frame + 1),
    a: () => insert(chosen),
    insert: () => insert(chosen),
    delete: () => remove(chosen),
    backspace: () => remove(chosen),
  };
  listen(box, "keydown", (event) => {
    const { key, target, shiftKey } = event;
    const takes = (call) => {
      event.preventDefault();
      event.stopPropagation();
      call();
    };
    if (target.matches("select, input[type=number]")) {
      event.stopPropagation();
      // JupyterLab takes away what Enter does by itself.
      if (key === "Enter") target.dispatchEvent(new Event("change"));
      if (key === "Escape") stage.focus(chosen);
      return;
    }
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const letter = key.toLowerCase();
      if (letter === "z") takes(() => travel(shiftKey ? 1 : -1));
      if (letter === "y") takes(() => travel(1));
      return;
    }
    if (key === "Escape" && stage.cancel()) event.preventDefault();
    if (event.altKey || (target.matches("input") && key !== " ")) return;
    const isPoint = stage.isPoint(target);
    if (target.matches("button") && !isPoint && [" ", "Enter"].includes(key)) return;
    if (arrows[key] && isPoint) return takes(() => nudge(arrows[key], shiftKey ? 10 : 1));
    const act = actions[key.toLowerCase()];
    if (act) takes(act);
  });
  listen(box, "keyup", (event) => {
    if (arrows[event.key]) settle();
  });
  listen(box, "focusout", (event) => {
    if (!box.contains(event.relatedTarget)) settle(); // the key was let go of elsewhere
  });

  update();
  signal.addEventListener("abort", () => box.remove(), { once: true });
  return {
    show(changed) {
      if (JSON.stringify(changed) === JSON.stringify(points())) return;
      draft = null;
      history.add({ points: changed, stroke: null, smoothing: 0, drawn: false }, "");
      tell();
      update();
    },
  };
}
