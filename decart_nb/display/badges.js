// Badges of a grid's tiles: the values of some columns, of which outliers have a mark. See grid_measures.py.
import { chooser } from "./chooser.js";
import { element } from "./live_view.js";

const OUTLIER_MARKS = { high: "▲ high", low: "▼ low" };
const BADGES_SHOWN = [["all", "all"], ["outliers", "outliers"], ["none", "none"]];

/** The badges of a tile. `update(badges, rule)` shows [[name, value, "high", "low" or ""]], and says the rule on hover. */
export function tileBadges() {
  const root = element("div", { class: "decart-badges" });
  return {
    root,
    update(badges, rule) {
      root.replaceChildren(
        ...badges.map(([name, value, mark]) => {
          const attributes = { class: "decart-badge", title: `${name} ${value}${mark ? `\n${rule}` : ""}` };
          const badge = element("div", attributes, element("span", {}, name), element("b", {}, value));
          badge.classList.toggle("decart-is-outlier", Boolean(mark));
          if (mark) badge.append(element("b", {}, OUTLIER_MARKS[mark]));
          return badge;
        }),
      );
    },
  };
}

/** What a screen reader says of a tile's outliers; may be empty. */
export function outlierText(badges) {
  return badges.filter(([, , mark]) => mark).map(([name, value, mark]) => `, ${name} ${value}, ${mark}`).join("");
}

/** Chooses which badges the tiles in `root` show. */
export function badgeChooser(root, names, listen) {
  const { label, select, fill } = chooser("badges");
  fill(BADGES_SHOWN, "all");
  label.hidden = !names.length;
  root.dataset.badges = "all";
  listen(select, "change", () => {
    root.dataset.badges = select.value;
  });
  return label;
}
