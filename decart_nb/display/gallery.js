// The static gallery: the grid of clips in a page of its own, without a server. See export/gallery.py.
import { element } from "./live_view.js";
import { board } from "./board.js";

const galleryRoot = document.getElementById("grid");
galleryRoot.replaceChildren(); // the table for readers without scripts
const galleryContent = element("div");
galleryRoot.append(galleryContent);
board(galleryContent, window.decartGallery, {
  signal: new AbortController().signal,
  listen: (target, type, call) => target.addEventListener(type, call),
  source: {
    video: async (tile) => tile.video,
    poster: async (tile) => tile.poster,
  },
  send: null,
  canRate: false,
});
