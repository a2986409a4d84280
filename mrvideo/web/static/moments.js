// Chapters and what was found: lists whose times seek, and the spans that the timeline draws.
import { api, clock, counted, element, words } from "./common.js";
import { chip } from "./asking.js";

export const readChapters = (base) => api(`${base}/chapters`);

export const writeChapters = (base) => api(`${base}/chapters`, { method: "POST" });

export const find = (base, query) => api(`${base}/find?query=${encodeURIComponent(query)}`);

export function chapterNodes(chapters, player) {
  return chapters.map((one) => {
    const seek = element("button", { type: "button", onclick: () => player.seek(one.start_seconds) }, element("time", {}, clock(one.start_seconds)), words(one.title));
    const summary = one.summary.map((sentence) => sentence.text).join(" ");
    return element("li", {}, seek, element("div", { className: "quiet" }, words(summary)));
  });
}

// The moments to show, and how they are told: where nothing is above chance, those that come closest.
export function toldFound(found) {
  const closest = found.moments.length === 0;
  const moments = closest ? found.nearest : found.moments;
  if (!moments.length) return { moments, told: "Nothing like it was found." };
  return { moments, told: closest ? "Nothing fits. What comes closest:" : counted(moments.length, "moment") + ", best first" };
}

export function momentNode(moment, player) {
  const [reason] = moment.why;
  const quote = moment.why.map((one) => one.quote).join(" … ") + (moment.lacks.length ? ` (not there: ${moment.lacks.join(", ")})` : "");
  const button = chip({ start_seconds: moment.start_seconds, stop_seconds: moment.stop_seconds, source: reason ? reason.source : "found", quote }, player);
  const middle = (moment.start_seconds + moment.stop_seconds) / 2;
  const picture = element("img", { alt: "", loading: "lazy", src: `${player.base}/frame?t=${middle.toFixed(2)}&side=160` });
  // The file may be gone: the words are left.
  picture.addEventListener("error", () => picture.remove());
  button.prepend(picture);
  return button;
}
