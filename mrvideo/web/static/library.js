import { api, clock, complain, counted, element, fileName, words } from "./common.js";

const link = (digest, seconds) => `/video/${digest}` + (seconds === undefined ? "" : `#t=${seconds.toFixed(2)}`);

async function show() {
  const videos = await api("/api/videos");
  document.getElementById("count").textContent = counted(videos.length, "video");
  document.getElementById("empty").hidden = videos.length > 0;
  document.getElementById("search").hidden = videos.length === 0;
  document.getElementById("videos").replaceChildren(
    ...videos.map((one) => {
      const { digest, path, duration_seconds: seconds } = one.video;
      const picture = element("div", { className: "picture" });
      const nothing = () => picture.replaceChildren(element("span", {}, one.gone ? "The file is gone" : "No picture"));
      if (one.gone) nothing();
      else {
        const frame = element("img", { alt: "", loading: "lazy", src: `/api/videos/${digest}/frame?t=${(seconds / 3).toFixed(2)}` });
        frame.addEventListener("error", nothing);
        picture.append(frame);
      }
      const facts = one.indexes ? [counted(one.scenes, "scene"), `${one.entities} in the cast`, ...(one.answers ? [counted(one.answers, "answer")] : [])] : ["indexing was begun and not finished"];
      return element("li", { className: "card" }, element("a", { href: link(digest), title: path }, picture, element("strong", {}, words(fileName(path)))), element("div", { className: "quiet" }, [clock(seconds), ...facts].join(", ")));
    }),
  );
}

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    document.getElementById("problem").textContent = "";
    const hits = await api(`/api/search?words=${encodeURIComponent(document.getElementById("words").value)}`);
    document.getElementById("hits").replaceChildren(
      ...(hits.length
        ? hits.map((hit) => element("a", { className: "chip card", href: link(hit.video_digest, hit.start_seconds) }, element("time", {}, clock(hit.start_seconds)), element("span", { className: "quiet" }, words(fileName(hit.video)), " "), words(hit.text)))
        : [element("span", { className: "quiet" }, "Nothing holds these words.")]),
    );
  } catch (error) {
    complain(error);
  }
});

show().catch(complain);
