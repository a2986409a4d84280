// A list of any length of which only the rows in sight are in the page.
import { element } from "./common.js";

const ROW = 66;
const SPARE = 6;

export class VirtualList {
  constructor(box, rows, fill) {
    Object.assign(this, { box, rows, fill, now: -1, shown: new Map() });
    this.space = element("div");
    this.space.style.height = `${rows.length * ROW}px`;
    box.replaceChildren(this.space);
    box.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), { passive: true });
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW) + SPARE);
    for (const [place, node] of this.shown) {
      if (place < first || place >= last) {
        node.remove();
        this.shown.delete(place);
      }
    }
    for (let place = first; place < last; place++) {
      if (this.shown.has(place)) continue;
      const node = this.fill(this.rows[place]);
      node.classList.add("row");
      node.style.top = `${place * ROW}px`;
      node.classList.toggle("now", place === this.now);
      this.shown.set(place, node);
      this.box.append(node);
    }
  }

  // Marks a row; brings it into sight unless somebody is reading elsewhere.
  follow(place, scroll) {
    if (place === this.now) return;
    this.shown.get(this.now)?.classList.remove("now");
    this.now = place;
    this.shown.get(place)?.classList.add("now");
    if (scroll && place >= 0) {
      this.box.scrollTop = Math.max(0, place * ROW - this.box.clientHeight / 3);
      this.draw();
    }
  }
}
