// The grid of clips, for a notebook and for a static gallery: controls above, tiles in rows and columns, a lightbox.
import { element, setText } from "./live_view.js";
import { arrange, keyOf, labelOf, valuesOf } from "./arrange.js";
import { badgeChooser } from "./badges.js";
import { chooser } from "./chooser.js";
import { GridPlayer } from "./player.js";
import { gridTile } from "./tile.js";
import { lightbox } from "./lightbox.js";
import { comparison } from "./compare.js";

const SPEEDS = [0.25, 0.5, 1, 2];
/** As in board.css, in pixels: left and right of a cell's tiles together, and between two of them. */
const CELL_PADDING = 12;
const TILE_GAP = 8;
const KEYS =
  "Keys: space plays all, , and . step one frame, arrows move, Enter opens, 1–5 rate, 0 clears, m marks, c compares the marked, r tries a failed one again.";

/**
 * Draws a grid of clips into an element, and handles its controls and keys.
 *   data   {title, columns, rows, cols, sort, badges, rule, facts, thumbnail, ratio, note, tiles}, see `arrange`, and
 *          most_in_a_cell: above so many tiles in a cell, a chooser begins with one value in place of all;
 *          most_cells: see `arrange`; size, narrowest, widest: of a tile at first, in pixels
 *   host   {signal, listen, source, send, canRate}: see `lightbox`
 * Returns `replace(number, tile)`, which shows a tile's new state, and `describe({facts, thumbnail})`.
 */
export function board(root, data, host) {
  const { columns, tiles } = data;
  const { listen, signal, source } = host;
  const names = columns.map(({ name }) => name);
  const view = {
    rows: data.rows, cols: data.cols, chosen: new Map(), filter: "", sort: { ...data.sort },
    mostCells: data.most_cells,
  };
  const parts = tiles.map((_, number) => gridTile(number, columns, data.rule));
  const player = new GridPlayer({ signal, source, tiles });
  const { clock } = player;
  let marked = [];
  let current = 0; // the tile that the keyboard is at
  let arranged = null;
  let hidden = new Set(); // the columns that a tile does not show, since the table's headings and choosers do

  // The header.
  const thumbnail = element("img", { class: "decart-thumbnail", alt: "The input", hidden: true });
  const facts = element("div", { class: "decart-facts" });
  let shownThumbnail = null;
  function describe(header) {
    facts.replaceChildren(thumbnail,
      ...[data.title, ...header.facts].filter(Boolean).map((text) => element("span", {}, text)));
    if (!header.thumbnail || shownThumbnail === header.thumbnail) return;
    shownThumbnail = header.thumbnail;
    source.poster({ poster: shownThumbnail }).then((url) => {
      thumbnail.src = url;
      thumbnail.hidden = false;
    }, () => {});
  }
  describe(data);

  // The controls.
  const play = element("button", { type: "button", class: "decart-play" }, "Play all");
  const scrub = element("input", { type: "range", min: "0", max: "1", step: "0.001", value: "0", "aria-label": "Time of all clips" });
  const time = element("span", { class: "decart-time" });
  const speed = chooser("speed");
  speed.fill(SPEEDS.map((rate) => [String(rate), `${rate}×`]), "1");
  const size = element("input", { type: "range", min: "96", max: "480", step: "8", value: String(data.size), "aria-label": "Size of the cells" });
  const compareMarked = element("button", { type: "button", disabled: true }, "Compare");
  const axes = { rows: chooser("rows"), cols: chooser("columns") };
  const choosers = element("span", { class: "decart-choosers" });
  const sort = chooser("sort");
  const descending = element("button", { type: "button", "aria-label": "Descending", "aria-pressed": String(view.sort.descending) }, view.sort.descending ? "↓" : "↑");
  const filter = element("input", { type: "search", placeholder: "filter: rating>=4 piano", "aria-label": "Filter" });
  const scroller = element("div", { class: "decart-scroll" });
  const count = element("span", { class: "decart-hint", role: "status" });
  const keys = element("p", { class: "decart-hint decart-keys" }, KEYS);
  root.classList.add("decart-board");
  root.append(
    facts,
    element("div", { class: "decart-controls" }, play, scrub, time, speed.label,
      element("label", {}, "size ", size), compareMarked, count),
    element(
      "div",
      { class: "decart-controls" },
      axes.rows.label, axes.cols.label, choosers, sort.label, descending,
      badgeChooser(root, data.badges, listen), filter,
    ),
    scroller,
    keys,
  );
  root.style.setProperty("--decart-ratio", String(data.ratio));
  const resize = (width) => {
    size.value = String(width);
    root.style.setProperty("--decart-cell", `${width}px`);
  };
  resize(data.size);
  const box = lightbox(root, tiles, {
    ...host,
    rate,
    neighbour,
    closed(number) {
      if (number >= 0) focusTile(number);
    },
  });

  /** The columns that vary: those that are offered as a choice, or the measures, which are rows and columns too. */
  function axisNames(isOffered = ({ axis }) => axis) {
    return columns.filter((column, index) => isOffered(column) && valuesOf(tiles, index).size > 1).map(({ name }) => name);
  }

  function fillChoosers() {
    const inputs = axisNames();
    const options = [...inputs, ...axisNames(({ ranges }) => ranges)];
    for (const [side, name] of [["rows", view.rows], ["cols", view.cols]]) {
      const offered = name && !options.includes(name) ? [...options, name] : options;
      axes[side].fill([["", "–"], ...offered.map((option) => [option, option])], name);
      axes[side].label.hidden = !offered.length;
    }
    const others = inputs.filter((name) => name !== view.rows && name !== view.cols);
    for (const name of [...view.chosen.keys()]) if (!others.includes(name)) view.chosen.delete(name);
    choosers.replaceChildren(
      ...others.map((name) => {
        const { label, select, fill } = chooser(name);
        const values = [...valuesOf(tiles, names.indexOf(name))];
        fill([["*", "all"], ...values.map(([key, value]) => [`=${key}`, labelOf(columns[names.indexOf(name)], value).slice(0, 60)])],
          view.chosen.has(name) ? `=${view.chosen.get(name)}` : "*");
        select.dataset.name = name;
        return label;
      }),
    );
    sort.fill([["", "as given"], ...names.map((name) => [name, name])], view.sort.name);
  }

  /** Chooses one value of the other columns where cells would hold too many tiles. */
  function chooseFirst() {
    for (const name of axisNames().reverse()) {
      if (name === view.rows || name === view.cols || !view.rows) continue;
      const { cells } = arrange({ columns, tiles, ...view });
      if (Math.max(0, ...[...cells.values()].map((cell) => cell.length)) <= data.most_in_a_cell) break;
      view.chosen.set(name, keyOf(tiles[0].values[names.indexOf(name)]));
    }
  }

  function layOut() {
    arranged = arrange({ columns, tiles, ...view });
    hidden = new Set([view.rows, arranged.across, ...view.chosen.keys()].filter(Boolean));
    for (const [index, name] of names.entries()) if (valuesOf(tiles, index).size < 2) hidden.add(name);
    const heading = (entry, scope) => {
      const text = element("button", { type: "button", class: "decart-heading", title: entry.label, "aria-expanded": "false" }, entry.label);
      return element("th", { scope, class: "decart-head" }, text);
    };
    const shown = [];
    const cell = (row, col) => {
      const numbers = arranged.cells.get(`${row.key}\n${col.key}`);
      if (!numbers) return element("td", { role: "none" });
      shown.push(...numbers);
      return element("td", { role: "none" }, element("div", { class: "decart-cell" }, ...numbers.map((number) => parts[number].root)));
    };
    const head = element("tr", {}, ...(view.rows ? [element("td", { class: "decart-corner" })] : []), ...arranged.cols.map((col) => heading(col, "col")));
    const body = arranged.rows.map((row) =>
      element("tr", {}, ...(view.rows ? [heading(row, "row")] : []), ...arranged.cols.map((col) => cell(row, col))),
    );
    const table = element("table", { role: "grid", "aria-label": `Clips of ${data.title || "the table"}` },
      element("thead", { hidden: !arranged.across }, head), element("tbody", {}, ...body));
    scroller.replaceChildren(table);
    for (const number of shown) parts[number].update(tiles[number], hidden);
    current = shown.includes(current) ? current : (shown[0] ?? 0);
    parts.forEach((part) => part.root.setAttribute("tabindex", part.number === current ? "0" : "-1"));
    player.watch(shown.map((number) => parts[number]));
    const all = tiles.length === shown.length ? "" : `${shown.length} of ${tiles.length} clips`;
    setText(count, [all, data.note, arranged.note].filter(Boolean).join(" · "));
  }

  function rate(number, change) {
    Object.assign(tiles[number], change);
    for (const [name, value] of Object.entries(change)) {
      const index = names.indexOf(name);
      if (index >= 0) tiles[number].values[index] = value;
    }
    refresh(number);
    host.send({ action: "rate", tile: number, ...change });
  }

  function refresh(number) {
    parts[number].update(tiles[number], hidden);
    box.updated(number);
  }

  /** The number of the next tile in a direction: in the same cell first, then in the next cell that has one. */
  function neighbour(number, dx, dy) {
    const rowKeys = arranged.rows.map(({ key }) => key);
    const colKeys = arranged.cols.map(({ key }) => key);
    for (const [place, numbers] of arranged.cells) {
      const index = numbers.indexOf(number);
      if (index < 0) continue;
      if (dx && numbers[index + dx] !== undefined) return numbers[index + dx];
      let [row, col] = place.split("\n").map((key, side) => [rowKeys, colKeys][side].indexOf(key));
      for (;;) {
        row += dy;
        col += dx;
        if (row < 0 || col < 0 || row >= rowKeys.length || col >= colKeys.length) return null;
        const found = arranged.cells.get(`${rowKeys[row]}\n${colKeys[col]}`);
        if (found) return dx < 0 ? found.at(-1) : dx > 0 ? found[0] : (found[index] ?? found[0]);
      }
    }
    return null;
  }

  function focusTile(number) {
    parts[current]?.root.setAttribute("tabindex", "-1");
    current = number;
    parts[number].root.setAttribute("tabindex", "0");
    parts[number].root.focus();
    parts[number].root.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function openBox(number) {
    current = number;
    player.release();
    box.show(number);
  }

  function mark(number) {
    if (!tiles[number].video) return;
    marked = marked.includes(number) ? marked.filter((other) => other !== number) : [...marked, number].slice(-4);
    parts.forEach((part) => part.mark(marked.indexOf(part.number) + 1));
    const alone = marked.length === 1 && tiles[marked[0]].input;
    compareMarked.disabled = marked.length < 2 && !alone;
    setText(compareMarked, alone ? "Compare with its input" : marked.length ? `Compare ${marked.length}` : "Compare");
  }

  function compare() {
    if (compareMarked.disabled) return;
    player.release();
    const ended = new AbortController();
    const content = element("div");
    const close = element("button", { type: "button", "aria-label": "Close" }, "✕");
    const dialog = element("dialog", { class: "decart-lightbox", "aria-label": "Comparison", "data-lm-suppress-shortcuts": "true" },
      element("header", {}, element("h3", {}, "Comparison"), close), content);
    const end = () => {
      ended.abort();
      dialog.remove();
      if (!signal.aborted) focusTile(current);
    };
    signal.addEventListener("abort", () => dialog.close(), { signal: ended.signal });
    close.addEventListener("click", () => dialog.close(), { signal: ended.signal });
    dialog.addEventListener("close", end, { signal: ended.signal });
    root.append(dialog);
    const items = marked.map((number) => ({ ...tiles[number], label: tiles[number].name, facts: "" }));
    if (items.length === 1) {
      const { input } = items[0];
      items.unshift({ ...items[0], label: "the input", video: input, poster: input, served: null, servedPoster: null });
    }
    comparison(content, items, { signal: ended.signal, video: source.video, poster: source.poster });
    dialog.showModal();
    content.querySelector(".decart-compare-stage").focus(); // which has the keys
  }

  const numberAt = (event) => {
    const root = event.target.closest?.(".decart-tile");
    return root ? Number(root.dataset.number) : null;
  };
  listen(choosers, "change", ({ target }) => {
    if (target.value === "*") view.chosen.delete(target.dataset.name);
    else view.chosen.set(target.dataset.name, target.value.slice(1));
    layOut();
  });
  listen(scroller, "click", (event) => {
    // A long label is cut at two lines, and is whole on demand.
    const heading = event.target.closest(".decart-heading");
    heading?.setAttribute("aria-expanded", String(heading.classList.toggle("decart-is-whole")));
    const number = numberAt(event);
    if (number === null) return;
    if (event.target.classList.contains("decart-retry")) {
      event.target.disabled = true;
      host.send({ action: "again", tile: number });
      return;
    }
    openBox(number);
  });
  listen(scroller, "pointerover", (event) => {
    const number = numberAt(event);
    if (number !== null && event.pointerType === "mouse") player.hover(parts[number]);
  });
  listen(scroller, "pointerleave", () => player.leave());
  listen(scroller, "focusin", (event) => {
    const number = numberAt(event);
    if (number !== null && number !== current) focusTile(number);
  });
  listen(root, "keydown", (event) => {
    if (event.target.closest("dialog, input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const onTile = numberAt(event) !== null;
    if (onTile && steps[event.key]) {
      const next = neighbour(current, ...steps[event.key]);
      if (next !== null) focusTile(next);
    } else if (event.key === " " && event.target.tagName !== "BUTTON") player.toggle();
    else if (event.key === "," || event.key === ".") player.step(event.key === "." ? 1 : -1, tiles[current]?.fps || 24);
    else if (onTile && event.key === "Enter") openBox(current);
    else if (onTile && /^[0-5]$/.test(event.key) && host.canRate) rate(current, { rating: Number(event.key) || null });
    else if (onTile && event.key === "m") mark(current);
    else if (onTile && event.key === "r" && tiles[current].retry && host.send) host.send({ action: "again", tile: current });
    else if (event.key === "c") compare();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  listen(play, "click", () => player.toggle());
  listen(scrub, "input", () => player.seek(Number(scrub.value)));
  listen(speed.select, "change", () => {
    clock.speed = Number(speed.select.value);
  });
  listen(size, "input", () => resize(size.value));
  listen(compareMarked, "click", compare);
  for (const side of ["rows", "cols"]) {
    listen(axes[side].select, "change", () => {
      const other = side === "rows" ? "cols" : "rows";
      const name = axes[side].select.value;
      if (name && view[other] === name) view[other] = view[side]; // they change places
      view[side] = name;
      fillChoosers();
      layOut();
    });
  }
  listen(sort.select, "change", () => {
    view.sort.name = sort.select.value;
    layOut();
  });
  listen(descending, "click", () => {
    view.sort.descending = !view.sort.descending;
    setText(descending, view.sort.descending ? "↓" : "↑");
    descending.setAttribute("aria-pressed", String(view.sort.descending));
    layOut();
  });
  listen(filter, "input", () => {
    view.filter = filter.value;
    layOut();
  });
  const longest = () => Math.max(0, ...tiles.map((tile) => tile.duration || 0));
  scrub.max = String(longest() || 1);
  clock.onTime((now, known) => {
    const duration = known || longest();
    scrub.max = String(duration || 1);
    scrub.value = String(now);
    setText(time, duration ? `${now.toFixed(1)} of ${duration.toFixed(1)} s` : "");
    setText(play, clock.playing ? "Pause" : "Play all");
  });

  chooseFirst();
  fillChoosers();
  layOut();
  // At first, all columns fit, with the tiles of a cell beside each other, if that leaves the tiles large enough.
  const fitting = new ResizeObserver(() => {
    if (!scroller.clientWidth) return;
    fitting.disconnect();
    const inCells = arranged.cols.map(({ key }) =>
      Math.max(1, ...arranged.rows.map((row) => arranged.cells.get(`${row.key}\n${key}`)?.length ?? 0)));
    const counts = inCells.map((count) => Math.min(count, data.most_in_a_cell));
    const across = counts.reduce((sum, count) => sum + count, 0);
    const head = scroller.querySelector("tbody th")?.offsetWidth ?? 0;
    const room = scroller.clientWidth - head - CELL_PADDING * counts.length - TILE_GAP * (across - counts.length);
    resize(Math.max(data.narrowest, Math.min(data.widest, Math.floor(room / Math.max(1, across)))));
  });
  fitting.observe(scroller);
  signal.addEventListener("abort", () => fitting.disconnect(), { once: true });
  return {
    describe,
    /** Shows a tile's new state; a number that there is not yet is added. */
    replace(number, tile) {
      const isNew = number >= tiles.length;
      if (isNew) {
        tiles.push(tile);
        parts.push(gridTile(number, columns, data.rule));
        fillChoosers();
        layOut();
        return;
      }
      Object.assign(tiles[number], tile);
      refresh(number);
      player.refresh();
    },
  };
}
