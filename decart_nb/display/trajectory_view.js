// Live view of a trajectory. See trajectory_view.py.
import { element, hideFallback, view } from "./live_view.js";
import { mediaChannel } from "./media_channel.js";
import { trajectoryEditor } from "./trajectory.js";

export default view(({ model, root, watch, signal }) => {
  const { url } = mediaChannel(model, signal);
  root.append(element("style", {}, hideFallback(model)));
  const editor = trajectoryEditor(root, model.get("picture"), {
    given: model.get("points"),
    signal,
    image: url("poster", "image"),
    change(points) {
      model.set("points", points);
      model.save_changes();
    },
  });
  watch(["change:points"], () => editor.show(model.get("points")));
});
