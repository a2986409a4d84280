import { api, clock, complain, counted, element, fileName } from "./common.js";

const link = (digest, seconds) => `/video/${digest}` + (seconds === undefined ? "" : `#t=${seconds.toFixed(2)}`);

async function show() {
  const videos = await api("/api/videos");
  document.getElementById("count").textContent = counted(videos.length, "video");
  document.getElementById("videos").replaceChildren(
    ...videos.map((one) => {
      const { digest, path, duration_seconds: seconds } = one.video;
      const picture = element("img", { alt: "", loading: "lazy", src: `/api/videos/${digest}/frame?t=${(seconds / 3).toFixed(2)}` });
      picture.addEventListener("error", () => picture.remove());
      const facts = `${clock(seconds)}, ${counted(one.scenes, "scene")}, ${one.entities} in the cast, ${counted(one.answers, "answer")}`;
      return element("li", { className: "card" }, element("a", { href: link(digest) }, picture, element("strong", {}, fileName(path))), element("div", { className: "quiet" }, facts));
    }),
  );
}

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const words = document.getElementById("words").value;
    const hits = await api(`/api/search?words=${encodeURIComponent(words)}`);
    document.getElementById("hits").replaceChildren(
      ...(hits.length
        ? hits.map((hit) => element("a", { className: "chip card", href: link(hit.video_digest, hit.start_seconds) }, element("time", {}, clock(hit.start_seconds)), `${fileName(hit.video)}: ${hit.text}`))
        : [element("span", { className: "quiet" }, "Nothing holds these words.")]),
    );
  } catch (error) {
    complain(error);
  }
});

show().catch(complain);
