// One question: its events as they come, its answer with evidence that can be clicked, what it took, and how to stop it.
import { clock, counted, element, post, request, words } from "./common.js";

export async function ask(base, question, signal, onEvent) {
  const { path, options } = post(`${base}/ask`, { question }, signal);
  const reply = await request(path, options);
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
  const button = element("button", { className: "chip", type: "button" }, element("time", {}, `${clock(evidence.start_seconds)}–${clock(evidence.stop_seconds)}`), ...(evidence.source ? [`${evidence.source}: `] : []), words(evidence.quote));
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

const MOST_TOLD = 5;

// Spans that an answer does not rest on, because they were not seen or not read, and why.
function without(what, spans, why, player) {
  if (!spans.length) return [];
  const more = spans.length > MOST_TOLD ? [element("span", { className: "quiet" }, `and ${spans.length - MOST_TOLD} more, all on the timeline`)] : [];
  const chips = spans.slice(0, MOST_TOLD).map((one) => chip({ ...one, source: "", quote: why(one) }, player));
  return [element("div", { className: "quiet" }, `${what} (${counted(spans.length, "span")}):`), element("div", { className: "chips lost" }, ...chips, ...more)];
}

export function answerNode(answer, player, again) {
  const node = element("li", { className: "answer" }, element("span", { className: "quiet" }, words(answer.question)), element("strong", {}, words(answer.told)), element("span", { className: "quiet" }, answer.marks.join(", ")));
  if (answer.stale) node.append(element("p", { className: "fails" }, `Out of date: ${answer.stale}. `, element("button", { type: "button", onclick: () => again(answer.question) }, "Ask again")));
  if (answer.claims.length) {
    const claims = answer.claims.map((claim) => {
      const [mark, told] = claim.holds === null ? ["", "not checked"] : claim.holds ? ["holds", "holds"] : ["fails", "does not hold"];
      return element("li", { className: mark }, words(claim.text), element("span", { className: "verdict" }, told));
    });
    node.append(element("ul", { className: "claims" }, ...claims));
  }
  for (const told of answer.differences) node.append(element("div", { className: "fails" }, "Models differ: ", words(told)));
  const proof = [...answer.evidence, ...answer.nearest];
  if (!answer.evidence.length && answer.nearest.length) node.append(element("div", { className: "quiet" }, "What comes closest:"));
  if (proof.length) node.append(element("div", { className: "chips" }, ...proof.map((one) => chip(one, player))));
  node.append(...without("Not seen", answer.unseen, (one) => one.reason, player), ...without("Not read", answer.unread, () => "", player));
  if (answer.searched && !answer.evidence.length) node.append(element("div", { className: "quiet" }, "Searched: ", words(answer.searched)));
  return node;
}
