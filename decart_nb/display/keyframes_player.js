// A video that shows its frames by number; where the browser cannot play it, stills of its frames. See keyframes.js.
import { element, setText } from "./live_view.js";

/** How far a time may be from that of a frame that is its own, in seconds: browsers round to microseconds. */
const KEYFRAMES_ROUNDING = 0.001;
/** How far behind the beginning of a frame a browser is sent for it, in seconds, if it shows another one at its middle. */
const KEYFRAMES_BEHIND = [0.002, 0.0002];
/** How long after it has arrived a browser may take to show a frame, in milliseconds. */
const KEYFRAMES_PATIENCE = 150;

/**
 * The player. `times` are those of the frames, and `steady` tells whether they follow at one rate. `onFrame` is
 * called with the number of a frame that is shown without having been asked for, `onStills` when the browser cannot play
 * the video.
 */
export function keyframesPlayer({ name, width, height, duration }, calls) {
  const { times, steady, listen, signal, video: videoUrl, still, onFrame, onStills } = calls;
  const last = times.length - 1;
  const video = element("video", { preload: "auto", playsinline: "", muted: true, "aria-hidden": "true", tabindex: "-1" });
  const image = element("img", { alt: "", hidden: true });
  const note = element("p", { class: "decart-keyframes-note", role: "status" }, "loading …");
  const attributes = { class: "decart-keyframes-stage", tabindex: "0", role: "img", "aria-label": name };
  const stage = element("div", attributes, video, image, note);
  stage.style.setProperty("--decart-keyframes-ratio", width / height);
  let wanted = 0; // the frame that was asked for
  let attempt = 0; // to show it
  let presented = null; // the time of the frame on the screen, where the browser tells it
  let checking = 0;
  let offset = null; // the browser's time of the first frame, once it is known
  let byStills = false;
  let playing = false;
  let watching = 0;

  const end = (frame) => (frame < last ? times[frame + 1] : Math.max(duration, times[last] + KEYFRAMES_ROUNDING));
  /** The frame at a time of the browser's. */
  function frameAt(time) {
    const since = time - (offset ?? 0) + KEYFRAMES_ROUNDING;
    let [low, high] = [0, last];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (times[middle] <= since) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  const say = (text) => {
    note.hidden = !text;
    setText(note, text);
  };

  /** Goes to the frame, and at each further attempt to another moment of it. */
  function seek(again = false) {
    attempt = again ? attempt + 1 : 0;
    // The middle of the frame: at its edge, a browser may show the one before. One that is shown for long, a browser may
    // take to be over by then.
    const within = end(wanted) - times[wanted];
    const moments = [within / 2, ...KEYFRAMES_BEHIND.map((behind) => Math.min(behind, within / 2))];
    if (!steady) moments.push(moments.shift());
    if (attempt < moments.length) video.currentTime = offset + times[wanted] + moments[attempt];
    else showStill();
  }
  /** Looks whether the frame on the screen is the one that was asked for. */
  function check() {
    if (playing || byStills || offset === null || video.seeking) return;
    if (presented === null || frameAt(presented) === wanted) showVideo();
    else seek(true);
  }
  function showVideo() {
    image.hidden = true;
    video.hidden = false;
  }
  function showStill() {
    const frame = wanted;
    still(frame).then((url) => {
      if (signal.aborted || frame !== wanted) return;
      image.src = url;
      image.hidden = false;
      if (byStills) video.hidden = true;
      say("");
    }, (error) => say(error.message));
  }
  function show(frame) {
    wanted = frame;
    if (byStills) showStill();
    else if (offset !== null) seek();
  }
  function pause() {
    if (!playing) return;
    playing = false;
    video.pause();
    seek();
  }
  function toggle() {
    if (playing) {
      pause();
    } else if (offset !== null && !byStills) {
      if (wanted === last) show(0);
      playing = true;
      showVideo();
      video.play().catch(() => {
        playing = false;
        onFrame(wanted);
      });
    }
  }

  // The time of the frame that is on the screen, which `currentTime` is not: while a video plays, it runs ahead.
  function onPresented(_, { mediaTime }) {
    watching = video.requestVideoFrameCallback(onPresented);
    presented = mediaTime;
    if (offset === null) begin(mediaTime);
    else if (!playing && frameAt(mediaTime) === wanted) showVideo();
    if (!playing) return;
    wanted = frameAt(mediaTime);
    onFrame(wanted);
  }
  function begin(time) {
    offset = time; // a container may begin before its picture does
    say("");
    seek();
  }
  if (video.requestVideoFrameCallback) watching = video.requestVideoFrameCallback(onPresented);
  // A video that is out of sight presents no frame, and neither does an older browser.
  listen(video, "loadeddata", () => {
    if (offset === null && !(watching && stage.checkVisibility())) begin(0);
  });
  listen(video, "seeked", () => {
    clearTimeout(checking);
    checking = setTimeout(check, KEYFRAMES_PATIENCE);
  });
  listen(video, "timeupdate", () => {
    if (!playing || watching) return;
    wanted = frameAt(video.currentTime);
    onFrame(wanted);
  });
  listen(video, "ended", () => {
    if (!playing) return;
    wanted = last;
    pause();
    onFrame(wanted);
  });
  const giveUp = () => {
    if (byStills || signal.aborted) return;
    byStills = true;
    playing = false;
    onStills();
    showStill();
  };
  listen(video, "error", () => {
    if (video.getAttribute("src")) giveUp();
  });
  videoUrl().then((url) => {
    if (!signal.aborted) video.src = url;
  }, giveUp);
  signal.addEventListener("abort", () => {
    clearTimeout(checking);
    if (watching) video.cancelVideoFrameCallback(watching);
    video.removeAttribute("src");
    video.load(); // releases the decoder
  }, { once: true });
  return { stage, show, pause, toggle, playing: () => playing };
}
