// A film that the browser cannot play itself: parts of ten seconds that the viewer encodes, joined by a MediaSource.
import { api } from "./common.js";

const AHEAD_SECONDS = 25;
const BEHIND_SECONDS = 60;

export class Preview {
  // `failed` is called with what went wrong where nothing at all can be played, `lost` where a part cannot.
  constructor(media, base, duration, { failed, lost }) {
    Object.assign(this, { media, base, duration, failed, lost, fetching: null, bad: new Set(), ended: false });
    for (const name of ["timeupdate", "seeking", "play", "waiting"]) media.addEventListener(name, () => this.fill());
    this.begin().catch((error) => this.failed(error));
  }

  async begin() {
    const told = await api(`${this.base}/preview`);
    Object.assign(this, { parts: told.parts, seconds: told.part_seconds });
    if (!window.MediaSource?.isTypeSupported(told.media_type)) throw new Error("This browser plays no preview of it, either.");
    this.source = new MediaSource();
    this.media.src = URL.createObjectURL(this.source);
    await new Promise((done) => this.source.addEventListener("sourceopen", done, { once: true }));
    URL.revokeObjectURL(this.media.src);
    this.source.duration = this.duration;
    this.buffer = this.source.addSourceBuffer(told.media_type);
    this.buffer.addEventListener("updateend", () => this.fill());
    this.fill();
  }

  close() {
    this.closed = true;
    this.fetching?.abort.abort();
  }

  span(part) {
    const start = part * this.seconds;
    return { start, stop: part === this.parts - 1 ? this.duration : start + this.seconds };
  }

  // Whether all of a part is there; a part's last picture may end a little early.
  has(part) {
    const { start, stop } = this.span(part);
    const held = this.buffer.buffered;
    for (let n = 0; n < held.length; n++) if (held.start(n) <= start + 0.1 && held.end(n) >= stop - 0.3) return true;
    return false;
  }

  wanted() {
    const now = this.media.currentTime;
    const last = Math.min(this.parts - 1, Math.floor((now + AHEAD_SECONDS) / this.seconds));
    for (let part = Math.min(this.parts - 1, Math.floor(now / this.seconds)); part <= last; part++) {
      if (!this.bad.has(part) && !this.has(part)) return part;
    }
    return null;
  }

  fill() {
    if (!this.buffer || this.closed || this.buffer.updating) return;
    const now = this.media.currentTime;
    const here = Math.min(this.parts - 1, Math.floor(now / this.seconds));
    if (this.bad.has(here) && !this.media.paused && here + 1 < this.parts) {
      this.media.currentTime = this.span(here + 1).start;
      return;
    }
    const held = this.buffer.buffered;
    if (held.length && held.start(0) < now - 2 * BEHIND_SECONDS) return this.buffer.remove(0, now - BEHIND_SECONDS);
    if (held.length && held.end(held.length - 1) > now + 4 * BEHIND_SECONDS) return this.buffer.remove(now + 2 * BEHIND_SECONDS, Infinity);
    const part = this.wanted();
    if (part === null) {
      if (this.has(this.parts - 1) && this.source.readyState === "open" && now > this.span(this.parts - 1).start - 1) this.source.endOfStream();
      return;
    }
    if (this.fetching) {
      // What is far from where somebody went meanwhile is not waited for.
      const near = this.fetching.part === part || (this.fetching.part > here && this.fetching.part - here < 4);
      if (near) return;
      this.fetching.abort.abort();
    }
    this.fetch(part);
  }

  async fetch(part) {
    const mine = (this.fetching = { part, abort: new AbortController() });
    try {
      const reply = await fetch(`${this.base}/preview/${part}`, { signal: mine.abort.signal });
      if (!reply.ok) throw new Error((await reply.json()).detail);
      const bytes = await reply.arrayBuffer();
      if (this.fetching !== mine || this.closed) return;
      this.fetching = null;
      while (this.buffer.updating) await new Promise((done) => this.buffer.addEventListener("updateend", done, { once: true }));
      this.buffer.timestampOffset = this.span(part).start;
      this.tried = this.tried === part ? (this.bad.add(part), null) : part;
      this.buffer.appendBuffer(bytes);
    } catch (error) {
      if (this.fetching === mine) this.fetching = null;
      if (error.name === "AbortError" || this.closed) return;
      this.bad.add(part);
      if (this.bad.size === this.parts || (this.bad.size > 2 && !this.buffer.buffered.length)) this.failed(error);
      else {
        this.lost(error);
        this.fill();
      }
    }
  }
}
