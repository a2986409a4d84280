// One question: its events as they come, its answer with evidence that can be clicked, what it took, and how to stop it.
import { clock, element, post } from "./common.js";

export async function ask(base, question, signal, onEvent) {
  const { path, options } = post(`${base}/ask`, { question }, signal);
  const reply = await fetch(path, options);
  if (!reply.ok) throw new Error((await reply.json()).detail);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let answer = null;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return answer;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const event = JSON.parse(line);
      if (event.type === "Problem") throw new Error(event.detail);
      if (event.type === "Answer") answer = event;
      else onEvent(event);
    }
  }
}

// A span that plays and loops when it is clicked: evidence, or a moment that was found.
export function chip(evidence, player) {
  const button = element("button", { className: "chip", type: "button" }, element("time", {}, `${clock(evidence.start_seconds)}–${clock(evidence.stop_seconds)}`), `${evidence.source}: ${evidence.quote}`);
  button.addEventListener("click", () => player.play(evidence.start_seconds, evidence.stop_seconds));
  const show = () => {
    const on = player.loop?.start === evidence.start_seconds && player.loop?.stop === evidence.stop_seconds;
    button.setAttribute("aria-pressed", String(on));
  };
  const heard = () => (button.isConnected ? show() : player.removeEventListener("loop", heard));
  player.addEventListener("loop", heard);
  show();
  return button;
}

export function answerNode(answer, player, again) {
  const found = answer.answer ?? (answer.choice === null ? "not found in the video" : answer.options[answer.choice]);
  const checked = answer.checked_by.length ? `checked by ${answer.checked_by.join(", ")}` : "not checked";
  const node = element("li", { className: "answer" }, element("span", { className: "quiet" }, answer.question), element("strong", {}, found), element("span", { className: "quiet" }, `confidence ${answer.confidence} of 5, ${checked}`));
  if (answer.stale) node.append(element("p", { className: "fails" }, `Out of date: ${answer.stale}. `, element("button", { type: "button", onclick: () => again(answer.question) }, "Ask again")));
  for (const claim of answer.claims) {
    const holds = claim.holds === null ? "" : claim.holds ? " (holds)" : " (does not hold)";
    node.append(element("div", { className: claim.holds ? "holds" : claim.holds === false ? "fails" : "" }, claim.text + holds));
  }
  const proof = [...answer.evidence, ...answer.nearest];
  if (!answer.evidence.length && answer.nearest.length) node.append(element("div", { className: "quiet" }, "closest:"));
  if (proof.length) node.append(element("div", { className: "chips" }, ...proof.map((one) => chip(one, player))));
  return node;
}
