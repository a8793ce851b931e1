// The lightbox of a grid: one clip large, with all that is known of it, its rating, and what can be done with it.
import { copyCode, element, setText } from "./live_view.js";
import { Clock } from "./clock.js";

const STARS = [1, 2, 3, 4, 5];

/** Whether a click is on the backdrop, and not in the dialog's own padding. */
function isOutside({ clientX, clientY }, dialog) {
  const { left, top, right, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/**
 * A dialog over the page. `host` has
 *   source            promises the addresses of videos and posters
 *   send              sends a message to Python; null where there is none, as in a static gallery
 *   rate(number, {rating, note})   rates a tile
 *   neighbour(number, dx, dy)      the number of the tile beside one, or null
 *   listen, signal    as of a view
 * `show(number)` opens it.
 */
export function lightbox(root, tiles, host) {
  const { source, send, listen } = host;
  const title = element("h3");
  const close = element("button", { type: "button", "aria-label": "Close" }, "✕");
  const stage = element("div", { class: "decart-stage" });
  const play = element("button", { type: "button" }, "Play");
  const scrub = element("input", { type: "range", min: "0", max: "1", step: "0.001", value: "0", "aria-label": "Time" });
  const time = element("span", { class: "decart-time" });
  const stars = element("div", { class: "decart-rate", role: "radiogroup", "aria-label": "Rating" });
  const note = element("textarea", { rows: "2", maxlength: "2000", "aria-label": "Note", placeholder: "Note" });
  const facts = element("dl");
  const code = element("pre", { tabindex: "0", hidden: true });
  const copy = element("button", { type: "button" }, "Copy as code");
  const again = element("button", { type: "button", hidden: true });
  const save = element("a", { class: "decart-button", download: "" }, "Save as…");
  const said = element("span", { class: "decart-hint", role: "status" });
  const dialog = element(
    "dialog",
    { class: "decart-lightbox", "data-lm-suppress-shortcuts": "true" },
    element("header", {}, title, close),
    element(
      "div",
      { class: "decart-split" },
      element("div", {}, stage, element("div", { class: "decart-controls" }, play, scrub, time)),
      element(
        "div",
        { class: "decart-about" },
        element("div", { class: "decart-rating" }, stars, note),
        facts,
        element("div", { class: "decart-controls" }, copy, again, save),
        said,
        code,
        element("p", { class: "decart-hint" }, "Arrow keys: the clips beside it. Space: play. , and .: one frame. 1–5: rate."),
      ),
    ),
  );
  root.append(dialog);
  const buttons = STARS.map((count) => {
    const name = `${count} star${count > 1 ? "s" : ""}`;
    const star = element("button", { type: "button", role: "radio", "aria-label": name }, "★");
    stars.append(star);
    listen(star, "click", () => rate({ rating: tiles[shown].rating === count ? null : count }));
    return star;
  });

  let shown = -1;
  let open = null; // an AbortController for what belongs to the clip that is shown
  let clock = null;

  function rate(change) {
    if (host.canRate) host.rate(shown, change);
  }

  function update() {
    const tile = tiles[shown];
    setText(title, tile.name);
    dialog.setAttribute("aria-label", tile.name);
    buttons.forEach((star, index) => {
      star.classList.toggle("decart-is-on", index < (tile.rating ?? 0));
      star.setAttribute("aria-checked", String(index + 1 === tile.rating));
      star.disabled = !host.canRate;
    });
    if (document.activeElement !== note) note.value = tile.note ?? "";
    note.hidden = !host.canRate && !tile.note;
    note.readOnly = !host.canRate;
    facts.replaceChildren(
      ...tile.facts.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, String(text))]),
    );
    copy.hidden = !tile.code;
    setText(code, tile.code ?? "");
    again.hidden = !send || !tile.take;
    setText(again, tile.take ?? "");
  }

  function leave() {
    open?.abort();
    open = null;
    stage.replaceChildren();
  }

  function show(number) {
    leave();
    shown = number;
    const tile = tiles[number];
    open = new AbortController();
    const { signal } = open;
    again.disabled = false;
    code.hidden = true;
    setText(said, "");
    save.hidden = true;
    update();
    clock = new Clock(signal);
    clock.onTime((now, duration) => {
      scrub.max = String(duration || 1);
      scrub.value = String(now);
      setText(time, `${now.toFixed(2)} of ${duration.toFixed(2)} s`);
      setText(play, clock.playing ? "Pause" : "Play");
    });
    if (tile.video) {
      const video = element("video", { preload: "auto", muted: true, playsInline: true });
      stage.append(video);
      if (tile.poster) source.poster(tile).then((url) => { if (!signal.aborted) video.poster = url; }).catch(() => {});
      source.video(tile, signal).then((url) => {
        if (signal.aborted) return;
        video.src = url;
        save.href = url;
        save.download = tile.file ?? "clip.mp4";
        save.hidden = false;
        video.addEventListener("canplay", () => clock.play(), { once: true, signal });
        clock.add(video);
      }).catch((error) => { if (!signal.aborted) setText(said, String(error?.message ?? error)); });
      signal.addEventListener("abort", () => {
        video.removeAttribute("src");
        video.load();
      }, { once: true });
    } else {
      stage.append(element("p", { class: "decart-problem" }, `${tile.label}${tile.error ? `: ${tile.error}` : ""}`));
    }
    if (!dialog.open) dialog.showModal();
    dialog.focus();
  }

  function move(dx, dy) {
    const next = host.neighbour(shown, dx, dy);
    if (next !== null) show(next);
  }

  listen(play, "click", () => clock.toggle());
  listen(scrub, "input", () => clock.seek(Number(scrub.value)));
  listen(close, "click", () => dialog.close());
  listen(dialog, "click", (event) => {
    if (event.target === dialog && isOutside(event, dialog)) dialog.close();
  });
  listen(dialog, "close", () => {
    const number = shown;
    leave();
    host.closed(number);
  });
  listen(note, "change", () => rate({ note: note.value }));
  listen(copy, "click", async () => {
    code.hidden = false;
    setText(said, await copyCode(code));
  });
  listen(again, "click", () => {
    again.disabled = true;
    setText(said, "submitted; it appears in the grid");
    send({ action: "take", tile: shown });
  });
  listen(dialog, "keydown", (event) => {
    if (event.target === note || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (steps[event.key] && event.target !== scrub) move(...steps[event.key]);
    else if (event.key === " " && event.target.tagName !== "BUTTON") clock.toggle();
    else if (event.key === "," || event.key === ".") clock.step(event.key === "." ? 1 : -1, tiles[shown].fps || 24);
    else if (/^[0-5]$/.test(event.key)) rate({ rating: Number(event.key) || null });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  host.signal.addEventListener("abort", () => {
    leave();
    dialog.remove();
  }, { once: true });
  return {
    show,
    updated(number) {
      if (dialog.open && number === shown) update();
    },
  };
}
