// A clock that keeps videos in step: they start, loop and stop together. Shared by grid, comparison and gallery.

/** A video that is further off than this, in seconds, is set to the clock's time at once. */
const FAR = 0.12;
/** A video that is further off than this is played a little faster or slower until it is back. */
const NEAR = 0.008;
/** How long a video may take to get to a new time, in milliseconds, before the others go on without it. */
const PATIENCE = 1500;

/**
 * One time for several videos, which loops at the end of the longest. A shorter one waits at its last frame.
 * `signal` aborts when the view is removed; `duration` of the videos is known once their metadata is.
 */
export class Clock {
  #videos = new Map(); // video → when it was last set, in milliseconds
  #listeners = new Set();
  #playing = false;
  #waiting = null; // the videos that are to be ready before time goes on
  #time = 0;
  #at = 0; // performance.now() when the clock showed that time
  #speed = 1;
  #frame = 0;
  #signal;

  constructor(signal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      this.pause();
      for (const video of [...this.#videos.keys()]) this.remove(video);
      this.#listeners.clear();
    }, { once: true });
  }

  /** Whether time goes on, or will as soon as all videos are ready. */
  get playing() {
    return this.#playing;
  }

  /** Seconds since the beginning of the loop. */
  get time() {
    if (!this.#playing || this.#waiting) return this.#time;
    return this.#time + ((performance.now() - this.#at) / 1000) * this.#speed;
  }

  /** The length of the longest video, in seconds; 0 as long as none is known. */
  get duration() {
    return Math.max(0, ...[...this.#videos.keys()].map((video) => video.duration || 0));
  }

  get speed() {
    return this.#speed;
  }

  set speed(speed) {
    this.#set(this.time);
    this.#speed = speed;
    for (const video of this.#videos.keys()) video.playbackRate = speed;
  }

  /** Calls back with the time and the duration, at each frame while the clock runs, and when it is set or stopped. */
  onTime(call) {
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  }

  /** Puts a video under the clock. It has to be muted, and is not to loop by itself. */
  add(video) {
    if (this.#videos.has(video) || this.#signal.aborted) return;
    video.muted = true;
    video.loop = false;
    video.playbackRate = this.#speed;
    this.#videos.set(video, -Infinity);
    this.#place(video, this.time);
  }

  remove(video) {
    if (!this.#videos.delete(video)) return;
    video.pause();
    this.#waiting?.delete(video);
  }

  play() {
    if (this.#playing || this.#signal.aborted) return;
    this.#playing = true;
    this.#restart(this.#time >= this.duration ? 0 : this.#time);
    this.#frame = requestAnimationFrame(() => this.#tick());
  }

  pause() {
    if (!this.#playing) return;
    this.#set(this.time);
    this.#playing = false;
    this.#waiting = null;
    cancelAnimationFrame(this.#frame);
    for (const video of this.#videos.keys()) {
      video.pause();
      this.#place(video, this.#time);
    }
    this.#tell();
  }

  toggle() {
    if (this.#playing) this.pause();
    else this.play();
  }

  /** Sets all videos to a time, in seconds. */
  seek(time) {
    const bounded = Math.min(Math.max(0, time), this.duration || Infinity); // unknown before the first video has loaded
    if (this.#playing) {
      this.#restart(bounded);
    } else {
      this.#time = bounded;
      for (const video of this.#videos.keys()) this.#place(video, bounded);
    }
    this.#tell();
  }

  /** Stops, and goes forwards or backwards by a number of frames. */
  step(frames, fps) {
    this.pause();
    // The middle of a frame: at its edge, a browser may show the one before.
    const frame = Math.floor(this.#time * fps + 1e-6) + frames;
    this.seek((Math.max(0, frame) + 0.5) / fps);
  }

  #set(time) {
    this.#time = time;
    this.#at = performance.now();
  }

  /** Sets all videos to a time, waits until each can show it, and then starts them together. */
  #restart(time) {
    const began = performance.now();
    this.#set(time);
    this.#waiting = new Set(this.#videos.keys());
    for (const video of this.#waiting) {
      video.pause();
      this.#place(video, time);
    }
    const ready = () => {
      if (!this.#waiting || this.#signal.aborted) return;
      const late = [...this.#waiting].filter((video) => video.seeking || video.readyState < 3);
      if (late.length && performance.now() - began < PATIENCE) {
        requestAnimationFrame(ready);
        return;
      }
      this.#waiting = null;
      this.#set(time);
      for (const video of this.#videos.keys()) this.#run(video);
    };
    ready();
  }

  #place(video, time) {
    const end = video.duration ? Math.max(0, video.duration - 0.001) : time;
    const target = Math.min(time, end);
    if (Math.abs(video.currentTime - target) > 1e-4) {
      video.currentTime = target;
      // Chromium leaves the frame before the last one on the screen, now and then, of a paused video that is set twice
      // within a moment, unless somebody waits for the frame.
      video.requestVideoFrameCallback?.(() => {});
    }
    this.#videos.set(video, performance.now());
  }

  #run(video) {
    if (video.readyState && !(video.duration && this.#time >= video.duration)) video.play().catch(() => {});
  }

  #tick() {
    if (!this.#playing) return;
    const { time, duration } = this;
    if (!this.#waiting && duration && time >= duration) this.#restart(0);
    else if (!this.#waiting) for (const video of this.#videos.keys()) this.#follow(video, time);
    this.#tell();
    this.#frame = requestAnimationFrame(() => this.#tick());
  }

  /** Brings a video that is off back to the clock's time. */
  #follow(video, time) {
    if (!video.readyState || video.seeking || (video.duration && time >= video.duration - 0.05)) return;
    if (video.paused) {
      this.#place(video, time);
      this.#run(video);
      return;
    }
    const off = video.currentTime - time;
    if (Math.abs(off) > FAR) {
      // One that has just been set needs a moment: to set it again would only keep it from arriving.
      if (performance.now() - this.#videos.get(video) > 500) this.#place(video, time);
      video.playbackRate = this.#speed;
    } else {
      const rate = Math.abs(off) < NEAR ? 1 : Math.min(1.1, Math.max(0.9, 1 - 1.5 * off));
      const wanted = this.#speed * rate;
      // Some engines drop frames at every change of the rate.
      if (Math.abs(video.playbackRate - wanted) > 0.005) video.playbackRate = wanted;
    }
  }

  #tell() {
    for (const call of this.#listeners) call(this.time, this.duration);
  }
}
