// The points of a path as numbers, in pixels of the image. See trajectory.js.
import { element } from "./live_view.js";

const TRAJECTORY_COLUMNS = ["frame", "x", "y"];

/** A table whose `show(points, chosen)` fills it. `set`, `insert`, `remove` and `choose` get the number of a point. */
export function trajectoryNumbers({ width, height, frames }, { listen, set, insert, remove, choose }) {
  const scale = { frame: 1, x: width, y: height };
  const most = { frame: frames - 1, x: width, y: height };
  const head = element("tr", {}, ...["", ...TRAJECTORY_COLUMNS, ""].map((name) => element("th", { scope: "col" }, name)));
  const body = element("tbody");
  const table = element("table", {}, element("thead", {}, head), body);
  const box = element("div", { class: "decart-trajectory-numbers", role: "group", "aria-label": "Points" }, element("div", {}, table));
  const rows = [];

  function addRow() {
    const index = rows.length;
    const named = `of point ${index + 1}`;
    const inputs = TRAJECTORY_COLUMNS.map((name) => {
      const step = name === "frame" ? 1 : "any";
      const input = element("input", { type: "number", min: 0, max: most[name], step, "aria-label": `${name} ${named}` });
      listen(input, "change", () => {
        const value = input.value.trim() === "" ? NaN : Number(input.value) / scale[name];
        input.dataset.shown = ""; // what is written there may be what the point cannot have
        set(index, name, value);
      });
      listen(input, "focus", () => choose(index));
      return input;
    });
    const button = (text, name, call) => {
      const made = element("button", { type: "button", "aria-label": `${name} ${index + 1}`, title: name }, text);
      listen(made, "click", () => call(index));
      return made;
    };
    const buttons = [button("+", "Add a point after point", insert), button("×", "Remove point", remove)];
    const cells = inputs.map((input) => element("td", {}, input));
    const number = element("th", { scope: "row" }, String(index + 1));
    const row = element("tr", {}, number, ...cells, element("td", { class: "decart-trajectory-row" }, ...buttons));
    body.append(row);
    rows.push({ row, inputs });
  }

  return {
    box,
    show(points, chosen) {
      table.hidden = !points.length;
      while (rows.length < points.length) addRow();
      rows.forEach(({ row, inputs }, index) => {
        const point = points[index];
        row.hidden = !point;
        row.classList.toggle("decart-trajectory-chosen", index === chosen);
        if (!point) return;
        TRAJECTORY_COLUMNS.forEach((name, column) => {
          const input = inputs[column];
          const shown = String(Math.round(point[name] * scale[name] * 10) / 10);
          if (input.dataset.shown === shown) return; // a number that is being typed stays
          input.dataset.shown = input.value = shown;
        });
      });
    },
  };
}
