// A tile of a grid: a clip's poster, or the state of its job, in a box that keeps its size.
import { element, progressBar, setText } from "./live_view.js";
import { labelOf } from "./arrange.js";
import { outlierText, tileBadges } from "./badges.js";

/** The sign of a state, which is told by text, shape and colour. */
const SIGNS = {
  planned: "○",
  "over the cap": "⊘",
  pending: "◔",
  processing: "◑",
  downloading: "↓",
  completed: "●",
  invalid: "✕",
  failed: "✕",
  rejected: "✕",
  expired: "✕",
  missing: "✕",
  unreadable: "✕",
  uncertain: "?",
  unreachable: "?",
  cancelled: "○",
};

/** Five stars as text: `★★★☆☆`, or nothing without a rating. */
export function starsOf(rating) {
  return rating ? "★".repeat(rating) + "☆".repeat(5 - rating) : "";
}

/**
 * A tile. `update(tile, hidden)` shows a state; `hidden` names the columns that rows, columns and header tell already.
 * `attach(video)` shows a video in place of the poster. `rule` says what an outlier is.
 */
export function gridTile(number, columns, rule) {
  const image = element("img", { alt: "", draggable: "false", hidden: true });
  const sign = element("span", { class: "decart-sign", "aria-hidden": "true" });
  const label = element("span", { class: "decart-label" });
  const reason = element("span", { class: "decart-reason" });
  const { bar, update: setProgress } = progressBar();
  const retry = element("button", { type: "button", tabindex: "-1", class: "decart-retry" }, "Try again");
  const state = element("div", { class: "decart-state" }, element("div", {}, sign, label), bar, reason, retry);
  const marked = element("span", { class: "decart-marked", hidden: true });
  // What comes later lies over what is before it: the poster over the state, a video over both.
  const box = element("div", { class: "decart-box" }, state, image, marked);
  const stars = element("span", { class: "decart-stars" });
  const caption = element("span", { class: "decart-caption" });
  const badges = tileBadges();
  const root = element(
    "div",
    { class: "decart-tile", role: "gridcell", tabindex: "-1", "data-number": String(number) },
    box,
    element("div", { class: "decart-below" }, caption, stars),
    badges.root,
  );
  const part = {
    root,
    box,
    image,
    number,
    shownPoster: null, // the key of the poster that the image shows
    update(tile, hidden) {
      const done = tile.status === "completed" && Boolean(tile.video);
      root.dataset.status = tile.status;
      root.classList.toggle("decart-is-done", done);
      root.classList.toggle("decart-is-bad", Boolean(tile.error) && !tile.retrying);
      root.classList.toggle("decart-is-retrying", Boolean(tile.retrying));
      if (!tile.poster) { // its file is gone
        image.hidden = true;
        part.shownPoster = null;
      }
      setText(sign, SIGNS[tile.status] ?? "○");
      setText(label, tile.label);
      setText(reason, tile.error ?? "");
      reason.title = tile.error ?? "";
      bar.hidden = tile.status !== "processing" && tile.status !== "downloading";
      setProgress(tile.progress ?? 0, tile.label, tile.name);
      retry.hidden = !tile.retry;
      if (tile.retry) retry.disabled = false;
      const parts = columns.flatMap((column, index) =>
        column.axis && !hidden.has(column.name) && tile.values[index] !== null ? [labelOf(column, tile.values[index])] : [],
      );
      if (tile.reused && done) parts.push("reused");
      setText(caption, parts.join(" · "));
      caption.title = caption.textContent;
      setText(stars, starsOf(tile.rating));
      stars.title = tile.note ?? "";
      const rated = tile.rating ? `, ${tile.rating} of 5 stars` : "";
      badges.update(tile.badges, rule);
      const told = [tile.error ? `, ${tile.error}` : "", rated, outlierText(tile.badges)];
      root.setAttribute("aria-label", `${tile.name}: ${tile.label}${told.join("")}`);
    },
    mark(order) {
      marked.hidden = !order;
      setText(marked, order ? String(order) : "");
      root.setAttribute("aria-selected", String(Boolean(order)));
    },
    attach(video) {
      marked.before(video);
    },
  };
  return part;
}
