// Parts of a comparison: the settings that are kept, a video with its frame and caption. See compare.js.
import { element } from "./live_view.js";

export const COMPARE_MODES = { side: "Side by side", wipe: "Wipe", flicker: "Flicker", difference: "Difference" };
/** Switches a second. Faster flashes can harm people who are sensitive to light. */
export const COMPARE_RATES = [0, 0.5, 1, 2];
const COMPARE_LETTERS = "ABCD";
const COMPARE_MEMORY = "decart-compare";

/** The parts of the video at an index. */
export function comparePane(item, index) {
  const letter = COMPARE_LETTERS[index];
  const name = `${letter}: ${item.label}`;
  const video = element("video", { preload: "auto", playsinline: "", muted: true, "aria-label": name });
  const note = element("p", { class: "decart-compare-note", role: "status" }, "loading …");
  const layer = element("div", { class: "decart-compare-layer" }, video);
  const frame = element("div", { class: "decart-compare-frame" }, layer, note);
  const figure = element("figure", {}, frame, compareCaption("figcaption", item, letter));
  return { item, letter, video, note, frame, figure };
}

/** A video's letter, label and facts. */
export function compareCaption(tag, item, letter) {
  const facts = [item.facts ?? []].flat().join(" · ");
  // bdi: the direction of foreign text does not affect the line.
  const parts = [["b", "letter", letter], ["bdi", "label", item.label], ["bdi", "facts", facts]];
  const made = element(tag, { class: "decart-compare-caption", title: facts });
  for (const [name, part, text] of parts) made.append(element(name, { class: `decart-compare-${part}` }, text), " ");
  return made;
}

/** The text of a gain, which is kept as a power of two. */
export function compareGain(power) {
  return `×${Number((2 ** power).toPrecision(2))}`;
}

/** Where the pointer is in a frame, as fractions of its size. */
export function compareFraction(event, frame) {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}

/** The settings that are kept from one use to the next, where the browser keeps any. `save` keeps them. */
export function compareMemory() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const memory = { mode: "side", gain: 2, zoom: 1, x: 0.5, y: 0.5, rate: still ? 0 : 1 };
  try {
    const kept = JSON.parse(localStorage.getItem(COMPARE_MEMORY)) ?? {};
    for (const name of ["gain", "zoom", "x", "y"]) if (Number.isFinite(kept[name])) memory[name] = kept[name];
    if (Object.hasOwn(COMPARE_MODES, kept.mode)) memory.mode = kept.mode;
    if (COMPARE_RATES.includes(kept.rate)) memory.rate = kept.rate;
  } catch {
    // Storage is off, or something else has written there.
  }
  const save = () => {
    try {
      localStorage.setItem(COMPARE_MEMORY, JSON.stringify(memory));
    } catch {
      // Storage is off or full.
    }
  };
  return { memory, save };
}
