import { api, clock, complain, counted, element, fileName, post, words } from "./common.js";
import { answerNode, ask } from "./asking.js";
import { axis, lane } from "./lanes.js";
import { chapterNodes, find, momentNode, readChapters, toldFound, writeChapters } from "./moments.js";
import { Player } from "./player.js";
import { VirtualList } from "./virtual.js";

const $ = (id) => document.getElementById(id);
const base = `/api/videos/${location.pathname.split("/").pop()}`;
const called = (entity) => (entity.display_name ? `${entity.display_name} (${entity.name})` : entity.name);
let player = null;
let lanes = [];
let unread = [];
let shown = null;
let chapters;
let moments = [];

const MOST_LISTED = 40;
const MOST_CAST_LANES = 40;
const MOST_SPEAKER_LANES = 20;

// [speaker, cues] of each who is named, in order of appearance.
function speakersOf(cues) {
  const found = new Map();
  for (const cue of cues) {
    if (!cue.speaker) continue;
    if (!found.has(cue.speaker)) found.set(cue.speaker, []);
    found.get(cue.speaker).push(cue);
  }
  return [...found];
}

function drawLanes(index) {
  const speakers = speakersOf(index.cues);
  const cast = index.entities.map((entity) => [called(entity), entity.scene_indexes.map((n) => index.scenes[n]).filter(Boolean), "--cast"]);
  const rows = [
    ["Shots", index.shots, "--shot"],
    ["Scenes", index.scenes, "--scene"],
    ["Chapters", chapters ?? [], "--chapter"],
    ["Found", moments, "--found"],
    ["Speech", index.cues, "--cue"],
    ...speakers.slice(0, MOST_SPEAKER_LANES).map(([name, cues]) => [`${name} speaks`, cues, "--cue"]),
    ["Texts", index.scenes.flatMap((scene) => scene.sightings), "--text"],
    ["Unseen", index.failures, "--lost"],
    ["Unread", unread, "--lost"],
    ...cast.slice(0, MOST_CAST_LANES),
  ].filter(([, spans]) => spans.length);
  lanes = rows.map(([name, spans, colour]) => lane(name, spans, colour, player));
  $("lanes").replaceChildren(axis(player.duration), ...lanes.map((one) => one.node));
  const hidden = [
    [speakers.length - MOST_SPEAKER_LANES, "speaker"],
    [cast.length - MOST_CAST_LANES, "member"],
  ].filter(([count]) => count > 0);
  if (hidden.length) $("lanes").append(element("p", { className: "quiet" }, `${hidden.map(([count, what]) => counted(count, `more ${what}`)).join(" and ")} without a lane here.`));
  lanes.forEach((one) => one.draw());
}

function drawTranscript(index) {
  const names = new Map(index.entities.map((entity) => [entity.name, entity.display_name || entity.name]));
  const plain = (text) => text.replace(/<(\w+)>/g, (mark, name) => names.get(name) ?? mark);
  const parts = index.scenes.flatMap((scene) => (scene.parts.length ? scene.parts.map((part) => ({ start: part.start_seconds, text: plain(part.text || part.brief), who: `scene ${scene.index}` })) : [{ start: scene.start_seconds, text: plain(scene.detailed || scene.brief), who: `scene ${scene.index}` }]));
  const cues = index.cues.map((cue) => ({ start: cue.start_seconds, text: cue.text, who: cue.speaker || "speech" }));
  const rows = [...parts, ...cues].sort((a, b) => a.start - b.start);
  const list = new VirtualList($("transcript"), rows, (row) =>
    element("button", { type: "button", title: row.text, onclick: () => player.seek(row.start) }, element("span", { className: "words" }, element("time", {}, clock(row.start)), element("span", { className: "quiet", dir: "auto" }, `${row.who} `), words(row.text))),
  );
  const at = (time) => {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].start <= time + 0.01) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  return () => list.follow(at(player.time), !$("transcript").matches(":hover, :focus-within"));
}

// The photo that was given of somebody, else where the film shows them best.
function portraitOf(entity, there) {
  const image = (alt, src) => {
    const made = element("img", { alt, loading: "lazy", src });
    made.addEventListener("error", () => made.replaceWith(element("span", { className: "face" })));
    return made;
  };
  if (entity.photo) return image(`Photo of ${called(entity)}`, `${base}/photo?name=${encodeURIComponent(entity.name)}&is=${entity.photo.slice(0, 12)}`);
  if (!there) return element("span", { className: "face" });
  const box = entity.box ? `&box=${["left", "top", "right", "bottom"].map((edge) => entity.box[edge].toFixed(4)).join(",")}` : "";
  return image("", `${base}/frame?t=${entity.exemplar_seconds.toFixed(2)}&side=160${box}`);
}

function drawCast(index) {
  const more = index.entities.length - MOST_LISTED;
  $("cast").replaceChildren(...index.entities.slice(0, MOST_LISTED).map((entity) => element("li", {}, portraitOf(entity, index.playable), element("div", { dir: "auto" }, element("b", { dir: "auto" }, called(entity)), ` ${entity.description} `, element("span", { className: "quiet", dir: "ltr" }, `in ${counted(entity.scene_indexes.length, "scene")}`)))));
  if (more > 0) $("cast").append(element("li", { className: "quiet" }, `${more} more are to be chosen below.`));
  for (const id of ["who", "other"]) {
    const before = $(id).value;
    $(id).replaceChildren(...index.entities.map((entity) => element("option", { value: entity.name }, called(entity))));
    if (index.entities.some((entity) => entity.name === before)) $(id).value = before;
  }
  if (index.entities.length > 1 && $("who").value === $("other").value) $("other").value = index.entities.find((e) => e.name !== $("who").value).name;
  $("correct").hidden = index.entities.length === 0 && index.corrections.length === 0;
  $("undo").disabled = index.corrections.length === 0;
  if (!index.entities.length) $("cast").replaceChildren(element("li", { className: "quiet" }, "No cast is known."));
}

function drawChapters() {
  $("chapters").replaceChildren(...chapterNodes(chapters ?? [], player));
  $("chapters").hidden = !chapters?.length;
  $("unwritten").hidden = chapters === undefined || chapters?.length > 0;
}

function drawAnswers(index) {
  $("answers").replaceChildren(...index.answers.slice(-50).reverse().map((answer) => answerNode(answer, player, askIt)));
}

async function load() {
  const index = await api(base);
  shown = index;
  const name = fileName(index.video.path);
  document.title = `${name} – mrvideo`;
  $("title").textContent = name;
  $("facts").textContent = `${clock(index.video.duration_seconds)}, ${counted(index.scenes.length, "scene")}, ${index.entities.length} in the cast`;
  if (!player) {
    player = new Player($("stage"), base, index.video, index.playable);
    const began = /t=([\d.]+)/.exec(location.hash);
    if (began) player.seek(Number(began[1]));
    player.addEventListener("time", () => refresh());
    player.addEventListener("loop", () => refresh());
    player.addEventListener("note", () => ($("note").textContent = player.note));
    $("note").textContent = player.note ?? "";
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => refresh());
    new ResizeObserver(() => lanes.forEach((one) => one.draw())).observe($("lanes"));
  }
  unread = index.answers.at(-1)?.unread ?? [];
  drawLanes(index);
  follow = drawTranscript(index);
  drawChapters();
  drawCast(index);
  drawAnswers(index);
  refresh();
  // What comes late is not waited for: of ten hours, reading them takes as long as all that is above.
  chapters = await readChapters(base);
  drawChapters();
  if (chapters?.length) drawLanes(index);
}

let follow = () => {};
let waiting = false;
function refresh() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    $("clock").textContent = player.told;
    $("unloop").hidden = player.loop === null;
    lanes.forEach((one) => one.draw());
    follow();
  });
}

let running = null;
async function askIt(question) {
  if (running || !question.trim()) return;
  running = new AbortController();
  $("problem").textContent = "";
  $("go").disabled = true;
  $("stop").hidden = false;
  $("events").replaceChildren();
  let calls = 0;
  let cost = 0;
  let priced = true;
  try {
    await ask(base, question, running.signal, (event) => {
      const words = event.told;
      if (event.type === "StageAdvanced") {
        calls += event.usage.calls;
        if (event.usage.cost === null) priced = false;
        else cost += event.usage.cost;
        $("cost").textContent = counted(calls, "call") + (priced ? (cost ? `, $${cost.toFixed(4)}` : ", no cost") : ", price unknown");
      }
      if (words) {
        $("events").append(element("li", {}, words));
        $("events").scrollTop = $("events").scrollHeight;
      }
    });
    $("question").value = "";
    await load();
  } catch (error) {
    if (error.name === "AbortError") $("cost").textContent = "Stopped.";
    complain(error);
  } finally {
    running = null;
    $("go").disabled = false;
    $("stop").hidden = true;
  }
}

async function findIt(query) {
  try {
    $("problem").textContent = "";
    $("found").textContent = "Looking …";
    const { moments: found, told } = toldFound(await find(base, query));
    moments = found;
    $("found").textContent = told;
    $("moments").replaceChildren(...moments.map((one) => momentNode(one, player)));
    drawLanes(shown);
  } catch (error) {
    $("found").textContent = "";
    complain(error);
  }
}

async function writeThem() {
  try {
    $("problem").textContent = "";
    $("write").disabled = true;
    $("write").textContent = "Writing …";
    chapters = await writeChapters(base);
    drawChapters();
    drawLanes(shown);
  } catch (error) {
    complain(error);
  } finally {
    $("write").disabled = false;
    $("write").textContent = "Write them";
  }
}

function givePhoto(name) {
  const [file] = $("photo").files;
  if (!file) throw new Error("choose a picture's file first");
  correct({ action: "photo", name }, { path: `${base}/photo?name=${encodeURIComponent(name)}`, options: { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file } });
}

let correcting = Promise.resolve(), last = null;
async function correct(body, request = post(`${base}/cast`, body)) {
  // One after the other; the same once more while it is in work is a double click. Buttons keep the focus.
  const asked = JSON.stringify(body);
  if (asked === last) return;
  last = asked;
  // It can be taken back as soon as it is asked for.
  if (body.action !== "undo") $("undo").disabled = false;
  correcting = correcting.then(() => corrected(body, request));
  await correcting;
  if (last === asked) last = null;
}

async function corrected(body, { path, options }) {
  try {
    $("problem").textContent = "";
    $("told").textContent = "Putting right …";
    const done = await api(path, options);
    await load();
    $("told").textContent = [`${body.action === "undo" ? "Taken back" : "Put right"}: ${done.told}.`, done.stale ? `${counted(done.stale, "answer")} out of date.` : "", ...done.notes].join(" ");
  } catch (error) {
    $("told").textContent = "";
    $("undo").disabled = shown.corrections.length === 0;
    complain(error);
  }
}

function scenesOf(text) {
  const found = [];
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(word);
    if (!match) throw new Error(`"${word}" is no scene; give numbers and ranges, such as 3,7-9`);
    for (let n = Number(match[1]); n <= Math.min(Number(match[2] ?? match[1]), shown.scenes.length); n++) found.push(n);
  }
  return found;
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  askIt($("question").value);
});
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  findIt($("query").value);
});
$("write").addEventListener("click", writeThem);
$("stop").addEventListener("click", () => running?.abort());
$("unloop").addEventListener("click", () => player.unloop());
$("undo").addEventListener("click", () => correct({ action: "undo" }));
$("action").addEventListener("change", () => {
  const action = $("action").value;
  const words = ["rename", "split"].includes(action);
  $("value").hidden = !words;
  $("photo").hidden = action !== "photo";
  $("other").hidden = words || action === "photo";
});
$("correct").addEventListener("submit", (event) => {
  event.preventDefault();
  const action = $("action").value;
  try {
    if (action === "photo") return givePhoto($("who").value);
    const scenes = action === "split" ? scenesOf($("value").value) : [];
    correct({ action, name: $("who").value, other: action === "rename" ? $("value").value : action === "split" ? "" : $("other").value, scenes });
  } catch (error) {
    complain(error);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea, button, video, canvas") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " ") player?.toggle();
  else if (event.key === "ArrowRight") player?.seek(player.time + 5);
  else if (event.key === "ArrowLeft") player?.seek(player.time - 5);
  else if (event.key === "Escape") player?.unloop();
  else if (event.key === "/") $("question").focus();
  else return;
  event.preventDefault();
});
window.addEventListener("hashchange", () => {
  const at = /t=([\d.]+)/.exec(location.hash);
  if (at) player?.seek(Number(at[1]));
});

load().catch((error) => {
  complain(error);
  if (shown) return;
  // Nothing of the video is known: boxes that hold nothing would only say less.
  $("title").textContent = "";
  $("columns").hidden = true;
});
