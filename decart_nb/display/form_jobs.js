// The jobs of a form, the last one first: a line while it runs, then its clip. See form_view.py.
import { copyCode, element, progressBar, setText } from "./live_view.js";

/**
 * Shows jobs below each other. `actions` has `stop(number)`, `repeat(number)`, and `url(kind, key, user)` of a media
 * channel. Gives `show(jobs)`.
 */
export function formJobs(root, { listen, signal, ...actions }) {
  const entries = new Map(); // number → entry
  let open = null; // the number of the job whose video is open
  let seen = -1; // the highest number that has had a video

  function openVideo(number) {
    for (const entry of entries.values()) if (entry.number !== number) entry.closeVideo();
    open = number;
    entries.get(number)?.openVideo();
  }
  return {
    show(jobs) {
      for (const job of jobs) {
        if (!entries.has(job.number)) {
          const entry = formJob(job.number, listen, signal, actions, () => openVideo(job.number));
          entries.set(job.number, entry);
          root.prepend(entry.root);
        }
        const entry = entries.get(job.number);
        entry.show(job);
        if (job.caption && job.number > seen) {
          seen = job.number;
          openVideo(job.number);
        } else if (job.caption && open === job.number) entry.openVideo();
      }
    },
  };
}

function formJob(number, listen, signal, { stop, repeat, url }, choose) {
  const { bar, update } = progressBar();
  const name = element("b");
  const prompt = element("span", { class: "decart-form-prompt" });
  const status = element("span", { class: "decart-state", role: "status" });
  const time = element("span", { class: "decart-time" });
  const halt = element("button", { type: "button" });
  const line = element("div", { class: "decart-form-line" }, bar, name, prompt, status, time, halt);
  const still = element("img", { alt: "" });
  const poster = element("button", { type: "button", class: "decart-form-poster", hidden: true }, still);
  const stage = element("div", { class: "decart-form-stage", hidden: true });
  const caption = element("span", { class: "decart-form-caption" });
  const again = element("button", { type: "button" });
  const copy = element("button", { type: "button" }, "Copy as code");
  const copied = element("span", { class: "decart-hint", role: "status" });
  const code = element("pre", { class: "decart-form-code", tabindex: "0", "aria-label": "The call as code", hidden: true });
  const bottom = element("div", { class: "decart-form-bottom" }, caption, again, copy, copied, code);
  const root = element("li", { class: "decart-form-job" }, line, poster, stage, bottom);
  let shown = null;
  let video = null; // the open video, and what lets go of its address
  let hasPoster = false;

  listen(halt, "click", () => stop(number));
  listen(again, "click", () => repeat(number));
  listen(copy, "click", async () => setText(copied, await copyCode(code)));
  listen(poster, "click", () => {
    choose();
    stage.querySelector("video")?.focus();
  });
  function close() {
    if (!video) return;
    video.user.abort();
    video.part.removeAttribute("src");
    video.part.load();
    video.part.remove();
    video = null;
    stage.hidden = true;
    poster.hidden = !shown?.caption;
  }
  signal.addEventListener("abort", close, { once: true });
  return {
    number,
    root,
    openVideo() {
      if (video || signal.aborted) return;
      const attributes = { preload: "auto", muted: true, loop: true, autoplay: true, controls: true, playsInline: true };
      const part = element("video", { "aria-label": shown.caption, ...attributes });
      const user = new AbortController();
      video = { part, user };
      const [width, height] = shown.size;
      if (width && height) part.style.aspectRatio = `${width} / ${height}`;
      stage.append(part);
      stage.hidden = false;
      poster.hidden = true;
      url("video", String(number), user.signal).then(
        (address) => {
          if (video?.part === part) part.src = address;
        },
        (error) => {
          if (video?.part === part) setText(copied, error.message);
        },
      );
    },
    closeVideo: close,
    show(job) {
      shown = job;
      root.setAttribute("aria-label", `${job.model}: ${job.prompt || job.status}`);
      line.hidden = !job.running;
      line.classList.toggle("decart-is-retrying", job.retrying);
      setText(name, job.model);
      setText(prompt, job.prompt);
      setText(status, job.stopped ? "not waited for; the job goes on" : job.status);
      setText(time, job.time);
      update(job.progress, `${job.status}, ${job.time}`, job.model);
      setText(halt, job.stop);
      halt.hidden = !job.stop;
      bottom.hidden = job.running;
      setText(caption, job.failed ? `✗ ${[job.model, job.prompt].filter(Boolean).join(" · ")}: ${job.failed}` : job.caption);
      caption.classList.toggle("decart-form-failed", Boolean(job.failed));
      setText(again, job.repeat);
      again.hidden = !job.repeat;
      code.textContent = job.code;
      copy.hidden = !job.code;
      if (!job.caption) return;
      poster.setAttribute("aria-label", `Show ${job.caption}`);
      poster.hidden = Boolean(video);
      if (hasPoster) return;
      hasPoster = true;
      url("poster", String(number)).then((address) => (still.src = address), () => {});
    },
  };
}
