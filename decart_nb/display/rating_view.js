// Live view of a blind rating: two clips under one clock, and buttons and keys to vote. See rating_view.py.
import { Clock } from "./clock.js";
import { element, hideFallback, setText, stopButton, view } from "./live_view.js";
import { mediaChannel } from "./media_channel.js";

const SIDES = ["left", "right"];
const NAMES = { left: "Left", right: "Right" };
/** What each button is called and does, and its keys, of which the first is shown on it. */
const ACTIONS = [
  { name: "Left", hint: "←", keys: ["ArrowLeft"], message: { action: "vote", outcome: "left" } },
  { name: "Tie", hint: "↓", keys: ["ArrowDown", "t"], message: { action: "vote", outcome: "tie" } },
  { name: "Both bad", hint: "b", keys: ["b"], message: { action: "vote", outcome: "bad" } },
  { name: "Right", hint: "→", keys: ["ArrowRight"], message: { action: "vote", outcome: "right" } },
  { name: "Skip", hint: "s", keys: ["s"], message: { action: "skip" } },
  { name: "Undo", hint: "u", keys: ["u"], message: { action: "undo" } },
];
const VOTES = 4; // of the actions
/** Keys that are not kept from the frontend: they leave the view. */
const LEAVING = ["Tab", "Escape"];

/** A clip's place, which keeps its size while the next clip is loaded. */
function clipPlace(side) {
  const video = element("video", { "aria-label": `${NAMES[side]} clip`, playsinline: "", muted: true, preload: "auto" });
  const status = element("p", { class: "decart-status", role: "status" });
  const frame = element("div", { class: "decart-frame" }, video, status);
  const place = element("figure", {}, frame, element("figcaption", {}, NAMES[side]));
  return { place, frame, video, status };
}

/** Resolves when the first frame of a video can be shown. */
function loadVideo(video, url, signal) {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const settle = (call) => () => {
      controller.abort();
      call();
    };
    const options = { signal: AbortSignal.any([signal, controller.signal]) };
    video.addEventListener("loadeddata", settle(resolve), options);
    video.addEventListener("error", settle(() => reject(new Error("This browser cannot play the clip."))), options);
    video.src = url;
    video.load();
  });
}

/** The table of scores, each with its interval as a bar. */
function scoreTable({ heads, rows, note }) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const lines = rows.map((row) => {
    const texts = [row.rank, row.name, row.score];
    const cells = texts.map((text) => element("td", {}, element("bdi", {}, text)));
    const counts = row.counts.map((count) => element("td", { class: "decart-count" }, String(count)));
    return element("tr", {}, ...cells, element("td", {}, ...scoreBar(row)), ...counts);
  });
  const remark = element("p", {}, note);
  return rows.length ? [element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines)), remark] : [remark];
}

function scoreBar({ bar, score }) {
  if (!bar) return [];
  const [low, width, strength, zero] = bar;
  const parts = { zero: { left: zero }, interval: { left: low, width }, strength: { left: strength } };
  const drawn = Object.entries(parts).map(([name, place]) => {
    const part = element("div", { class: `decart-score-${name}` });
    for (const [property, percent] of Object.entries(place)) part.style[property] = `${percent}%`;
    return part;
  });
  return [element("div", { class: "decart-score", role: "img", "aria-label": score }, ...drawn)];
}

export default view((context) => {
  const { model, root, listen, watch, hide, signal } = context;
  const { url } = mediaChannel(model, signal, { video: 4, poster: 0 });
  const clock = new Clock(signal);
  let shown = null; // the number of the comparison whose clips can both be seen
  let use = null; // an AbortController of the clips that are loaded
  let sent = null; // the number of the comparison that was voted on
  let paused = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const prompt = element("p", { class: "decart-prompt" });
  const clips = Object.fromEntries(SIDES.map((side) => [side, clipPlace(side)]));
  const stage = element("div", { class: "decart-stage" }, ...SIDES.map((side) => clips[side].place));
  const standing = element("p", { class: "decart-standing", role: "status" });
  const keysHint = element("span", { class: "decart-hint" }, "Click a clip to use the keys.");
  const scores = element("div", { class: "decart-scores" });

  const act = (message) => {
    const number = model.get("comparison").number;
    if (message.action !== "undo") {
      // Nobody votes on a pair before both clips are there, nor twice.
      if (shown !== number || sent === number) return;
      sent = number;
    }
    model.send({ ...message, number });
  };
  const togglePlay = () => {
    clock.toggle();
    paused = !clock.playing;
    play.update();
  };

  const button = (name, hint, keys, call) => {
    const key = element("kbd", { "aria-hidden": "true" }, hint);
    const label = element("span", {}, name);
    const made = element("button", { type: "button", "aria-keyshortcuts": keys.join(" ") }, label, key);
    listen(made, "click", call);
    return { made, label };
  };
  const buttons = ACTIONS.map(({ name, hint, keys, message }) => button(name, hint, keys, () => act(message)).made);
  const playButton = button("Pause", "space", ["Space"], togglePlay);
  const play = {
    update: () => setText(playButton.label, paused ? "Play" : "Pause"),
  };
  const scoresButton = element("button", { type: "button", "aria-expanded": "false" }, "Show scores");
  listen(scoresButton, "click", () => model.send({ action: "scores" }));

  const votes = element("div", { class: "decart-votes", role: "group", "aria-label": "Which is better?" });
  votes.append(...buttons.slice(0, VOTES));
  const stopHint = element("span", { class: "decart-time", role: "status" });
  const stop = stopButton(context, stopHint);
  const others = element("div", { class: "decart-others" }, ...buttons.slice(VOTES), playButton.made, scoresButton);
  others.append(stop, stopHint, keysHint);
  root.classList.add("decart-rating");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Blind rating");
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.append(element("style", {}, hideFallback(model)), standing, prompt, stage, votes, others, scores);

  listen(root, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || LEAVING.includes(event.key)) return;
    event.stopPropagation(); // a letter is a command of the frontend: it would cut or insert a cell
    if (event.key === " " || event.key === "Enter") {
      if (event.target.closest("button")) return; // it is pressed
      event.preventDefault();
      if (event.key === " " && !event.repeat) togglePlay();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = ACTIONS.find(({ keys }) => keys.includes(key));
    if (!action) return;
    event.preventDefault();
    if (!event.repeat) act(action.message);
  });

  const showPair = async ({ number }) => {
    clock.pause();
    for (const side of SIDES) {
      clock.remove(clips[side].video);
      clips[side].status.textContent = "Loading…";
    }
    const ended = () => signal.aborted || model.get("comparison").number !== number;
    const before = use;
    use = new AbortController();
    const user = use.signal;
    user.addEventListener("abort", () => before?.abort(), { once: true });
    const load = async (side) => {
      const { video, status } = clips[side];
      try {
        const source = await url("video", `${number}-${side}`, user);
        if (ended()) return;
        await loadVideo(video, source, signal);
        if (!ended()) status.textContent = "";
      } catch (error) {
        if (ended()) return;
        video.removeAttribute("src");
        status.textContent = String(error?.message ?? error);
      }
    };
    await Promise.all(SIDES.map(load));
    if (ended()) return;
    before?.abort(); // the places show other clips now
    for (const side of SIDES) if (clips[side].video.src) clock.add(clips[side].video);
    clock.seek(0);
    if (!paused) clock.play();
    shown = number;
    root.removeAttribute("aria-busy");
  };
  signal.addEventListener("abort", () => {
    use?.abort();
    for (const side of SIDES) {
      clips[side].video.removeAttribute("src");
      clips[side].video.load(); // gives the decoder back
    }
  }, { once: true });

  watch(["change:comparison"], () => {
    const comparison = model.get("comparison");
    const some = Boolean(comparison.number);
    for (const part of [stage, votes, playButton.made, buttons[VOTES]]) hide(part, !some);
    setText(prompt, some ? comparison.prompt : "");
    prompt.title = prompt.textContent;
    prompt.hidden = !prompt.textContent;
    if (!some) {
      clock.pause();
      for (const side of SIDES) clock.remove(clips[side].video);
      return;
    }
    SIDES.forEach((side, index) => {
      const [width, height] = comparison.sizes[index];
      clips[side].frame.style.aspectRatio = `${width} / ${height}`;
      clips[side].frame.style.setProperty("--decart-ratio", width / height);
    });
    root.setAttribute("aria-busy", "true");
    return showPair(comparison);
  });
  watch(["change:standing", "change:enough"], () => {
    setText(standing, `${model.get("standing")}.`);
    standing.classList.toggle("decart-is-enough", model.get("enough"));
  });
  watch(["change:can_undo"], () => {
    buttons[VOTES + 1].disabled = !model.get("can_undo");
  });
  watch(["change:scores"], () => {
    const table = model.get("scores");
    const some = Boolean(table.heads);
    scoresButton.textContent = some ? "Hide scores" : "Show scores";
    scoresButton.setAttribute("aria-expanded", String(some));
    scores.replaceChildren(...(some ? scoreTable(table) : []));
  });
  watch(["change:problem"], () => {
    if (model.get("problem")) sent = null; // the vote was not taken: it may be cast again
  });
  play.update();
});
