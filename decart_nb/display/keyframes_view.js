// Live view of keyframes. See keyframes_view.py.
import { keyframesPicker } from "./keyframes.js";
import { element, hideFallback, view } from "./live_view.js";
import { mediaChannel } from "./media_channel.js";
import { servedFile } from "./served_files.js";

/** How many stills a view keeps: they may be large. */
const KEYFRAMES_KEPT = { video: 1, poster: 40 };

export default view(({ model, root, watch, signal }) => {
  const { url } = mediaChannel(model, signal, KEYFRAMES_KEPT);
  root.append(element("style", {}, hideFallback(model)));
  const picker = keyframesPicker(root, model.get("video"), {
    picks: model.get("picks"),
    signal,
    video: async () => (await servedFile(model, signal)) ?? url("video", "video"),
    still: (frame) => url("poster", String(frame)),
    small: (frame) => url("poster", `s${frame}`),
    change(picks) {
      model.set("picks", picks);
      model.save_changes();
    },
  });
  watch(["change:picks"], () => picker.show(model.get("picks")));
});
