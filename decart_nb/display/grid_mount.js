// The grid of clips in a live view: it asks Python for the grid, and for clips and posters. See grid_channel.py.
import { mediaChannel } from "./media_channel.js";
import { board } from "./board.js";

/**
 * The address of the store in the notebook server, or null. The static output has a link to a file of it, which the
 * frontend has made an address of its server; whether that serves files, and parts of them, is tried.
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

/** Draws the grid into `content` as soon as Python has sent it, and shows its changes. */
export function mountGrid({ model, signal, listen }, content) {
  const channel = mediaChannel(model, signal);
  let served = null; // asked again until there is one: a sweep has no clip at first
  const source = {
    async video(tile) {
      if (tile.served) served ??= await servedFolder(model, signal);
      const folder = tile.served ? served : null;
      return folder ? folder(tile.served) : channel.url("video", tile.video);
    },
    poster: (tile) => channel.url("poster", tile.poster),
  };
  let grid = null;
  const receive = (message) => {
    if (message.grid && !grid) {
      const send = (action) => model.send(action);
      grid = board(content, message.grid, { signal, listen, source, send, canRate: message.grid.rated });
    }
    if (message.tiles && grid) {
      for (const [number, tile] of Object.entries(message.tiles)) grid.replace(Number(number), tile);
    }
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => model.off("msg:custom", receive), { once: true });
  // JupyterLab's keys of a cell are not for the grid.
  content.setAttribute("data-lm-suppress-shortcuts", "true");
  model.send({ action: "grid" });
}
