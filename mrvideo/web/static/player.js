// The player: the browser's own where it can play the file, else a preview that the viewer encodes, else frames
// without sound. Seeks, and loops a span.
import { clock, element } from "./common.js";
import { Preview } from "./preview.js";

const FRAMES_A_SECOND = 2;

export class Player extends EventTarget {
  constructor(stage, base, video, playable) {
    super();
    Object.assign(this, { stage, base, video, duration: video.duration_seconds, time: 0, loop: null, media: null, preview: null });
    if (/^\w+:\/\//.test(video.path)) this.frames("The film lies elsewhere: frames are shown, sound is off.");
    else if (!playable) {
      this.note = "The file is gone: there is nothing to play.";
      stage.replaceChildren(element("p", { className: "blank" }, "The file is gone, or holds another film by now.", element("br"), element("span", { className: "path" }, video.path)));
    }
    else this.file();
  }

  file() {
    const media = this.screen();
    const otherwise = () => this.media === media && !this.preview && this.parts();
    media.addEventListener("error", otherwise);
    // Of some films a browser plays the sound alone, or the pictures alone, without a word.
    media.addEventListener("loadedmetadata", () => media.videoWidth || otherwise());
    media.addEventListener("timeupdate", () => {
      const mute = media.mozHasAudio === false || media.webkitAudioDecodedByteCount === 0;
      if (this.video.has_audio && mute && !media.paused && media.played.length && media.played.end(0) - media.played.start(0) > 1) otherwise();
    });
    media.src = `${this.base}/file`;
  }

  parts() {
    const { time } = this;
    const before = this.media;
    const playing = before && !before.paused;
    const media = this.screen();
    before?.removeAttribute("src");
    before?.load();
    if (time) media.currentTime = time;
    this.tell("This browser cannot play the file as it is: a preview is made while you watch.");
    const frames = (reason) => this.frames(`This browser cannot play the file: frames are shown, sound is off. ${reason}`);
    this.preview = new Preview(media, this.base, this.duration, {
      failed: (error) => frames(error.message),
      lost: (error) => this.tell(`Some of it cannot be played: ${error.message}`),
    });
    media.addEventListener("error", () => this.media === media && frames(media.error?.message ?? ""));
    if (playing) media.addEventListener("loadedmetadata", () => media.play().catch(() => {}));
  }

  screen() {
    this.media = element("video", { controls: true, preload: "metadata" });
    this.media.setAttribute("aria-label", "Video");
    const { media } = this;
    media.addEventListener("timeupdate", () => this.media === media && this.at(media.currentTime));
    this.stage.replaceChildren(media);
    return media;
  }

  tell(note) {
    this.note = note;
    this.dispatchEvent(new Event("note"));
  }

  frames(why) {
    this.preview?.close();
    this.media = this.preview = null;
    this.running = false;
    this.picture = element("img", { alt: "Frame of the video" });
    this.button = element("button", { type: "button", onclick: () => this.toggle() }, "Play frames");
    // Not even frames: the note says why, and a broken picture would say nothing.
    this.picture.addEventListener("error", () => {
      this.picture.hidden = true;
      this.run(false);
    });
    this.picture.addEventListener("load", () => {
      this.picture.hidden = false;
      clearTimeout(this.next);
      if (this.running) this.next = setTimeout(() => this.step(), 1000 / FRAMES_A_SECOND);
    });
    this.stage.replaceChildren(this.picture, this.button);
    this.seek(this.time);
    this.tell(why);
  }

  run(on) {
    clearTimeout(this.next);
    this.running = on;
    this.button.textContent = on ? "Pause" : "Play frames";
    if (on) this.step();
  }

  step() {
    const time = this.time + 1 / FRAMES_A_SECOND;
    if (this.loop && time >= this.loop.stop) this.seek(this.loop.start);
    else if (time < this.duration) this.seek(time);
    else this.run(false);
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
    else if (this.picture && !this.running && stop > start) this.run(true);
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
    else if (this.picture) this.run(!this.running);
  }

  get told() {
    return `${clock(this.time)} of ${clock(this.duration)}` + (this.loop ? `, looping ${clock(this.loop.start)}–${clock(this.loop.stop)}` : "");
  }
}
