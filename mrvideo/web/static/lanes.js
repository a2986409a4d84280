// Timeline lanes, each one canvas whatever it holds: ten hours cost no more of the page than one minute.
import { clock, element } from "./common.js";

export function lane(name, spans, colour, player) {
  const canvas = element("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "slider");
  canvas.setAttribute("aria-label", `${name}: ${spans.length} on the timeline; arrows go from one to the next`);
  canvas.setAttribute("aria-valuemin", "0");
  canvas.setAttribute("aria-valuemax", String(Math.round(player.duration)));
  const sorted = [...spans].sort((a, b) => a.start_seconds - b.start_seconds);

  // The spans are drawn once for a width and its colours; while it plays, only the mark of the time moves.
  const spansOf = element("canvas");
  let drawnAs = "";
  const drawSpans = (width, height, ratio, x, back, fore) => {
    const as = [width, height, back, fore].join(" ");
    if (as === drawnAs) return;
    drawnAs = as;
    Object.assign(spansOf, { width, height });
    const pen = spansOf.getContext("2d");
    pen.fillStyle = back;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = fore;
    let done = -1;
    for (const span of sorted) {
      const left = x(span.start_seconds);
      const right = Math.max(x(span.stop_seconds) - ratio, left + ratio);
      // What lies within a pixel that is drawn changes nothing: thousands of spans are no more than a width of them.
      if (right <= done) continue;
      pen.fillRect(left, 0, right - left, height);
      done = Math.ceil(right);
    }
  };

  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.round(16 * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const style = getComputedStyle(document.documentElement);
    const x = (seconds) => (seconds / (player.duration || 1)) * width;
    drawSpans(width, height, ratio, x, style.getPropertyValue("--line"), style.getPropertyValue(colour));
    const pen = canvas.getContext("2d");
    pen.drawImage(spansOf, 0, 0);
    pen.fillStyle = style.getPropertyValue("--ink");
    pen.fillRect(x(player.time) - ratio / 2, 0, 2 * ratio, height);
    canvas.setAttribute("aria-valuenow", String(Math.round(player.time)));
    canvas.setAttribute("aria-valuetext", clock(player.time));
  };

  canvas.addEventListener("click", (event) => player.seek((event.offsetX / canvas.clientWidth) * player.duration));
  canvas.addEventListener("keydown", (event) => {
    const next = event.key === "ArrowRight" ? sorted.find((s) => s.start_seconds > player.time + 0.05) : event.key === "ArrowLeft" ? sorted.filter((s) => s.start_seconds < player.time - 0.05).pop() : null;
    if (next) {
      event.preventDefault();
      player.seek(next.start_seconds);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    canvas.title = clock((event.offsetX / canvas.clientWidth) * player.duration);
  });
  return { node: element("div", { className: "lane" }, element("span", { className: "name", title: name }, name), canvas), draw };
}

const MARKS = 4;

// When what stands below is, from left to right.
export function axis(duration) {
  const marks = Array.from({ length: MARKS + 1 }, (_, n) => element("span", {}, clock((duration * n) / MARKS)));
  const node = element("div", { className: "lane axis" }, element("span"), element("div", { className: "marks" }, ...marks));
  node.setAttribute("aria-hidden", "true");
  return node;
}
