// The player: the browser's own where it can play the file, else frames without sound. Seeks, and loops a span.
import { clock, element } from "./common.js";

export class Player extends EventTarget {
  constructor(stage, base, video, playable) {
    super();
    this.base = base;
    this.duration = video.duration_seconds;
    this.time = 0;
    this.loop = null;
    this.stage = stage;
    this.media = null;
    if (!playable) {
      this.note = "The file is gone: there is nothing to play.";
      return;
    }
    this.media = element("video", { controls: true, preload: "metadata", src: `${base}/file` });
    this.media.setAttribute("aria-label", "Video");
    this.media.addEventListener("error", () => this.frames("This browser cannot play the file: frames are shown, sound is off."));
    this.media.addEventListener("timeupdate", () => this.at(this.media.currentTime));
    stage.replaceChildren(this.media);
  }

  frames(why) {
    this.media = null;
    this.note = why;
    this.picture = element("img", { alt: "Frame of the video" });
    // Not even frames: the note says why, and a broken picture would say nothing.
    this.picture.addEventListener("error", () => (this.picture.hidden = true));
    this.picture.addEventListener("load", () => (this.picture.hidden = false));
    this.stage.replaceChildren(this.picture);
    this.seek(this.time);
    this.dispatchEvent(new Event("note"));
  }

  seek(seconds) {
    const time = Math.min(Math.max(seconds, 0), this.duration);
    if (this.media) this.media.currentTime = time;
    else if (this.picture) this.picture.src = `${this.base}/frame?t=${time.toFixed(2)}&side=960`;
    this.at(time);
  }

  play(start, stop) {
    this.loop = { start, stop };
    this.seek(start);
    // A browser may refuse to play before it was clicked: the place is right all the same.
    if (this.media) this.media.play().catch(() => {});
    this.dispatchEvent(new Event("loop"));
  }

  unloop() {
    this.loop = null;
    this.dispatchEvent(new Event("loop"));
  }

  at(time) {
    if (this.loop && this.media && !this.media.seeking && time >= this.loop.stop) return this.seek(this.loop.start);
    this.time = time;
    this.dispatchEvent(new Event("time"));
  }

  toggle() {
    if (this.media) this.media.paused ? this.media.play().catch(() => {}) : this.media.pause();
  }

  get told() {
    return `${clock(this.time)} of ${clock(this.duration)}` + (this.loop ? `, looping ${clock(this.loop.start)}–${clock(this.loop.stop)}` : "");
  }
}
