// Live view of a comparison. See compare_view.py.
import { comparison } from "./compare.js";
import { element, hideFallback, view } from "./live_view.js";
import { mediaChannel } from "./media_channel.js";

export default view(({ model, root, signal }) => {
  const { url } = mediaChannel(model, signal);
  root.append(element("style", {}, hideFallback(model)));
  comparison(root, model.get("items"), {
    signal,
    video: (item) => url("video", item.key),
    poster: (item) => url("poster", item.key),
  });
});
