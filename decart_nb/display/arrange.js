// Arranges tiles in rows and columns by the values of two columns, after a filter, a choice and a sorting.

/** A term of a filter: a column, a comparison, and a value. */
const TERM = /^([^\s<>=:]+)(>=|<=|!=|>|<|=|:)(.*)$/;

const isMissing = (value) => value === null || value === undefined || value === "";

/** A text that two values share if they are the same. */
export function keyOf(value) {
  return isMissing(value) ? "" : `${typeof value} ${value}`;
}

/** A value of a column as a person reads it: `seed 0`, `no seed`, or the value alone. See grid_columns.py. */
export function labelOf({ name, alone, ranges }, value) {
  if (isMissing(value)) return `no ${name}`;
  if (ranges && !Number.isInteger(value) && typeof value === "number") return `${name} ${value.toPrecision(3)}`;
  const text = value === true ? "True" : value === false ? "False" : String(value);
  return alone ? text : `${name} ${text}`;
}

/** The distinct values of a column, in the order of their first appearance. */
export function valuesOf(tiles, index) {
  const found = new Map();
  for (const tile of tiles) {
    const key = keyOf(tile.values[index]);
    if (!found.has(key)) found.set(key, tile.values[index]);
  }
  return found;
}

/** A value as a number if it is an infinite one, which stands in a grid as text. See grid_measures.py. */
const INFINITE = new Map([["inf", Infinity], ["-inf", -Infinity]]);
const numberOf = (value) => INFINITE.get(value) ?? value;

function compare(one, other) {
  if (isMissing(one) || isMissing(other)) return Number(isMissing(one)) - Number(isMissing(other));
  const [first, second] = [numberOf(one), numberOf(other)];
  if (typeof first === "number" && typeof second === "number") return first === second ? 0 : first - second;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

/** What stands for a value on an axis: the range of a measure, or the value itself. See grid_measures.py. */
function placed({ ranges }, value) {
  if (!ranges?.length || isMissing(value)) return value;
  return ranges.find(({ below }) => below === null || numberOf(value) < below).label;
}

/** Rows or columns in the order in which they were found; those of a measure by its values, unless it sorts the tiles. */
function inOrder(entries, column, sort) {
  return column?.ranges && sort.name !== column.name ? entries.sort((one, other) => compare(one.value, other.value)) : entries;
}

/** Whether a tile meets all terms of a filter: `model:lucy rating>=4 piano`. */
function meets(tile, terms, names) {
  return terms.every((term) => {
    const [, name, sign, wanted] = TERM.exec(term) ?? [];
    const index = names.indexOf(name);
    if (index < 0) {
      const texts = [...tile.values, tile.label, tile.error, tile.note];
      return texts.some((text) => !isMissing(text) && String(text).toLowerCase().includes(term.toLowerCase()));
    }
    const value = tile.values[index];
    if (sign === ":") return !isMissing(value) && String(value).toLowerCase().includes(wanted.toLowerCase());
    if (sign === "=" || sign === "!=") return (String(value ?? "").toLowerCase() === wanted.toLowerCase()) === (sign === "=");
    if (isMissing(value) || wanted === "" || Number.isNaN(Number(wanted))) return false;
    const order = Number(value) - Number(wanted);
    return { ">": order > 0, "<": order < 0, ">=": order >= 0, "<=": order <= 0 }[sign];
  });
}

/**
 * Tiles in rows and columns.
 *   columns   [{name, axis, alone, ranges}]: the columns of `tile.values`; a measure has ranges, [{label, below}], or none
 *   rows, cols   names of columns, or "" for a single one
 *   mostCells  with more cells than this, empty ones included, there is a single column
 *   chosen    name of a column → the key of the value that is shown
 *   filter    text, see `meets`
 *   sort      {name, descending}; the best row and column come first
 * Returns {rows: [{key, label}], cols: [{key, label}], cells: Map of "row\ncolumn" → numbers of tiles, across, note}:
 * the column that is across, and why that is not `cols`, if it is not.
 */
export function arrange(view) {
  const { columns, tiles, rows, cols, chosen, filter, sort, mostCells } = view;
  const names = columns.map(({ name }) => name);
  const terms = filter.split(/\s+/).filter(Boolean);
  const numbers = tiles.map((_, number) => number).filter((number) => {
    const tile = tiles[number];
    for (const [name, key] of chosen) if (keyOf(tile.values[names.indexOf(name)]) !== key) return false;
    return meets(tile, terms, names);
  });
  const by = names.indexOf(sort.name);
  if (by >= 0) {
    const sign = sort.descending ? -1 : 1;
    numbers.sort((one, other) => {
      const [a, b] = [tiles[one].values[by], tiles[other].values[by]];
      // What has no value stays last in either direction.
      return isMissing(a) || isMissing(b) ? compare(a, b) : sign * compare(a, b);
    });
  }
  const cells = new Map();
  const found = { rows: new Map(), cols: new Map() };
  for (const number of numbers) {
    const at = [["rows", rows], ["cols", cols]].map(([side, name]) => {
      const column = columns[names.indexOf(name)];
      const value = name ? tiles[number].values[names.indexOf(name)] : null;
      const shown = name ? placed(column, value) : null;
      const key = name ? keyOf(shown) : "";
      if (!found[side].has(key)) found[side].set(key, { key, value, label: name ? labelOf(column, shown) : "" });
      return key;
    });
    const place = at.join("\n");
    cells.set(place, [...(cells.get(place) ?? []), number]);
  }
  if (cols && found.rows.size * found.cols.size > mostCells) {
    const [down, across] = [found.rows, found.cols].map(({ size }) => size.toLocaleString("en"));
    const note = `Not across: ${cols}, by which ${down} × ${across} cells would be nearly all empty. Choose a column of fewer values.`;
    return { ...arrange({ ...view, cols: "" }), note };
  }
  const [down, across] = [["rows", rows], ["cols", cols]].map(([side, name]) =>
    inOrder([...found[side].values()], columns[names.indexOf(name)], sort));
  return { rows: down, cols: across, cells, across: cols, note: "" };
}
