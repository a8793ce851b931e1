// Live view of a grid of clips. See grid_view.py.
import { element, hideFallback, view } from "./live_view.js";
import { mountGrid } from "./grid_mount.js";

export default view((context) => {
  const content = element("div");
  context.root.append(element("style", {}, hideFallback(context.model)), content);
  mountGrid(context, content);
});
