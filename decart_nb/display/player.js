// Plays the clips of a grid that are in view, in step and with a bounded number of decoders.
import { Clock } from "./clock.js";
import { element } from "./live_view.js";

/** The most videos that are open at once. */
const MAX_DECODERS = 12;
/** How far outside of the viewport a tile gets its poster. */
const MARGIN = "400px";
/** How long the first play waits for a video, in milliseconds. */
const SLOW = 5000;

/**
 * Opens videos for the tiles in view. `source.video(tile, signal)` promises an address that is good until `signal`
 * aborts, `source.poster(tile)` one that stays.
 * `play()`, `pause()` and `seek()` act on all; `hover(part)` plays one alone.
 */
export class GridPlayer {
  #open = new Map(); // part → {video, solo}
  #visible = new Set();
  #near = new Set();
  #parts = new Map(); // root → part
  #tiles;
  #source;
  #observers;
  #signal;
  #solo = null;
  #active = false; // whether the tiles in view have videos: from the first play on

  constructor({ signal, source, tiles }) {
    this.#signal = signal;
    this.#source = source;
    this.#tiles = tiles;
    this.clock = new Clock(signal);
    const watch = (kept, rootMargin) =>
      new IntersectionObserver((entries) => {
        for (const entry of entries) {
          const part = this.#parts.get(entry.target);
          if (part && entry.isIntersecting) kept.add(part);
          else if (part) kept.delete(part);
        }
        this.refresh();
      }, { rootMargin, scrollMargin: rootMargin, threshold: 0.01 }); // the grid scrolls, and a notebook around it
    this.#observers = [watch(this.#visible, "0px"), watch(this.#near, MARGIN)];
    signal.addEventListener("abort", () => {
      for (const observer of this.#observers) observer.disconnect();
      for (const part of [...this.#open.keys()]) this.#close(part);
    }, { once: true });
  }

  /** Follows these tiles from now on. */
  watch(parts) {
    const kept = new Set(parts);
    for (const [root, part] of this.#parts) {
      if (kept.has(part)) continue;
      for (const observer of this.#observers) observer.unobserve(root);
      this.#parts.delete(root);
      this.#visible.delete(part);
      this.#near.delete(part);
      this.#close(part);
    }
    for (const part of parts) {
      if (this.#parts.has(part.root)) continue;
      this.#parts.set(part.root, part);
      for (const observer of this.#observers) observer.observe(part.root);
    }
  }

  /** The number of videos that are open. */
  get size() {
    return this.#open.size;
  }

  /** Opens and closes videos and posters for what is in view now. */
  refresh() {
    if (this.#signal.aborted) return;
    for (const part of this.#near) this.#showPoster(part);
    if (!this.#active) return;
    const wanted = [...this.#visible].filter((part) => this.#isPlayable(part)).sort((a, b) => a.number - b.number);
    const chosen = new Set(wanted.slice(0, MAX_DECODERS));
    for (const part of [...this.#open.keys()]) if (!chosen.has(part) && part !== this.#solo) this.#close(part);
    for (const part of chosen) if (!this.#open.has(part) && this.#open.size < MAX_DECODERS) this.#openVideo(part);
  }

  /** Starts or stops all videos in view. */
  async toggle() {
    if (this.clock.playing) {
      this.clock.pause();
      return;
    }
    this.leave();
    this.#active = true;
    this.refresh();
    await Promise.all([...this.#open.values()].map(({ ready }) => ready));
    if (!this.#signal.aborted) this.clock.play();
  }

  /** Shows the frame at a time, also before anything has been played. */
  seek(time) {
    this.#active = true;
    this.refresh();
    this.clock.seek(time);
  }

  step(frames, fps) {
    this.#active = true;
    this.refresh();
    this.clock.step(frames, fps);
  }

  /** Closes all videos, as long as another view of them is open. */
  release() {
    this.clock.pause();
    this.leave();
    this.#active = false;
    for (const part of [...this.#open.keys()]) this.#close(part);
  }

  /** Plays one tile alone, as long as the pointer is on it. */
  hover(part) {
    if (this.clock.playing || this.#solo === part) return;
    this.leave();
    if (!this.#isPlayable(part)) return;
    if (!this.#open.has(part) && this.#open.size >= MAX_DECODERS) this.#close([...this.#open.keys()].at(-1));
    this.#solo = part;
    const { video } = this.#open.get(part) ?? this.#openVideo(part);
    this.clock.remove(video);
    video.loop = true;
    video.playbackRate = this.clock.speed;
    video.play().catch(() => {});
  }

  /** Ends what `hover` has begun. */
  leave() {
    const part = this.#solo;
    this.#solo = null;
    if (!part || !this.#open.has(part)) return;
    const { video } = this.#open.get(part);
    video.pause();
    if (this.#active) this.clock.add(video);
    else this.#close(part);
  }

  #isPlayable(part) {
    const tile = this.#tiles[part.number];
    return tile.status === "completed" && Boolean(tile.video);
  }

  #showPoster(part) {
    const tile = this.#tiles[part.number];
    if (!tile.poster || part.shownPoster === tile.poster) return;
    part.shownPoster = tile.poster;
    this.#source.poster(tile).then((url) => {
      part.image.src = url;
      part.image.hidden = false;
    }).catch(() => {
      part.shownPoster = null;
    });
  }

  #openVideo(part) {
    const video = element("video", { preload: "auto", muted: true, playsInline: true, disablePictureInPicture: true });
    const opened = { video, ready: null, timer: 0, closed: new AbortController() };
    const { signal } = opened.closed;
    this.#open.set(part, opened);
    opened.ready = new Promise((resolve) => {
      opened.timer = setTimeout(resolve, SLOW);
      for (const type of ["canplay", "error", "emptied"]) video.addEventListener(type, resolve, { once: true, signal });
    });
    video.addEventListener("loadeddata", () => part.attach(video), { once: true, signal });
    this.#source.video(this.#tiles[part.number], signal).then((url) => {
      if (this.#open.get(part) !== opened) return;
      video.src = url;
      if (this.#solo !== part) this.clock.add(video);
    }).catch(() => video.dispatchEvent(new Event("error")));
    return opened;
  }

  #close(part) {
    const opened = this.#open.get(part);
    if (!opened) return;
    this.#open.delete(part);
    if (this.#solo === part) this.#solo = null;
    clearTimeout(opened.timer);
    opened.closed.abort();
    this.clock.remove(opened.video);
    // An element without a source lets go of its decoder at once.
    opened.video.removeAttribute("src");
    opened.video.load();
    opened.video.remove();
  }
}
