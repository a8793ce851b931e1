// The grid of clips in a live view: it gets changes as messages, and clips and posters on request. See grid_channel.py.
import { mediaChannel } from "./media_channel.js";
import { board } from "./board.js";

/**
 * The address of the store in the notebook server, or null. The static output has the address of a file of it, which the
 * frontend has made one of its server; whether that serves files, and parts of them, is tried.
 */
async function servedFolder(model, signal) {
  const probe = document.querySelector(`.decart-output-${model.get("output_id")} video.decart-probe`);
  const name = probe?.dataset.name;
  if (!name || !/^https?:/.test(probe.src)) return null;
  try {
    const answer = await fetch(probe.src, { headers: { Range: "bytes=0-0" }, signal });
    await answer.body?.cancel();
    const address = new URL(probe.src);
    if (answer.status !== 206 || !address.pathname.endsWith(`/${encodeURIComponent(name)}`)) return null;
    const folder = address.pathname.slice(0, -encodeURIComponent(name).length);
    return (file) => `${address.origin}${folder}${file.split("/").map(encodeURIComponent).join("/")}${address.search}`;
  } catch {
    return null;
  }
}

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
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => model.off("msg:custom", receive), { once: true });
  // JupyterLab's keys of a cell are not for the grid.
  content.setAttribute("data-lm-suppress-shortcuts", "true");
  // What has changed since the view was made in Python; a kernel that is busy with a cell answers after it.
  model.send({ action: "grid" });
}
