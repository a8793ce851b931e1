// The grid of clips in a live view: it gets changes as messages, and clips and posters on request. See grid_channel.py.
import { mediaChannel } from "./media_channel.js";
import { board } from "./board.js";
import { servedFolder } from "./served_files.js";

/** Waits for some milliseconds; rejected when `signal` aborts. */
function rest(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** Draws the grid of the model into `content`, and shows its changes. */
export function mountGrid({ model, signal, listen }, content) {
  const channel = mediaChannel(model, signal);
  const served = servedFolder(model, signal);
  const source = {
    async video(tile, user) {
      const folder = tile.served ? await served : null;
      if (folder) {
        const address = folder(tile.served);
        const answer = await fetch(address, { headers: { Range: "bytes=0-0" }, signal: user });
        await answer.body?.cancel();
        if (answer.ok) return address;
      }
      return channel.url("video", tile.video, user); // a file that is gone is told of by Python
    },
    async poster(tile) {
      const folder = tile.servedPoster ? await served : null;
      if (folder) {
        const address = folder(tile.servedPoster);
        if ((await fetch(address, { signal })).ok) return address;
      }
      const asked = channel.url("poster", tile.poster, signal);
      // A kernel that is busy with a cell does not answer; the store makes the poster a moment after its video has come.
      while (folder && (await Promise.race([asked.then(() => true), rest(2000, signal)])) !== true) {
        const address = folder(tile.servedPoster);
        if ((await fetch(address, { signal })).ok) return address;
      }
      return asked;
    },
  };
  const data = structuredClone(model.get("grid"));
  const send = (action) => model.send(action);
  const grid = board(content, data, { signal, listen, source, send, canRate: data.rated });
  const receive = (message) => {
    for (const [number, tile] of Object.entries(message.tiles ?? {})) grid.replace(Number(number), tile);
    if (message.header) grid.describe(message.header);
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => model.off("msg:custom", receive), { once: true });
  // JupyterLab's keys of a cell are not for the grid.
  content.setAttribute("data-lm-suppress-shortcuts", "true");
  // What has changed since the view was made in Python; a kernel that is busy with a cell answers after it.
  model.send({ action: "grid" });
}
