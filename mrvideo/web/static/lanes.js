// Timeline lanes, each one canvas whatever it holds: ten hours cost no more of the page than one minute.
import { clock, element } from "./common.js";

export function lane(name, spans, colour, player) {
  const canvas = element("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "slider");
  canvas.setAttribute("aria-label", `${name}: ${spans.length} on the timeline; arrows go from one to the next`);
  canvas.setAttribute("aria-valuemin", "0");
  canvas.setAttribute("aria-valuemax", String(Math.round(player.duration)));
  const sorted = [...spans].sort((a, b) => a.start_seconds - b.start_seconds);

  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    const width = (canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio)));
    const height = (canvas.height = Math.round(16 * ratio));
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const x = (seconds) => (seconds / (player.duration || 1)) * width;
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = style.getPropertyValue(colour);
    for (const span of sorted) {
      const left = x(span.start_seconds);
      pen.fillRect(left, 0, Math.max(x(span.stop_seconds) - left - ratio, ratio), height);
    }
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
  return { node: element("div", { className: "lane" }, element("span", { className: "name", title: name }, name), canvas), draw };
}
