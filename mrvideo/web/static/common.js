// What both pages need. Text from a video only ever becomes textContent.

// A reply that is good; everything else is an Error that says what to do.
export async function request(path, options = {}) {
  const reply = await fetch(path, options).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("The viewer does not answer. Is mrvideo view still running?");
  });
  if (reply.status === 401) throw new Error("The viewer has been started anew: open the address that it has printed.");
  if (!reply.ok) {
    const body = await reply.json().catch(() => ({ detail: `the viewer answered ${reply.status}` }));
    throw new Error(body.detail);
  }
  return reply;
}

export const api = async (path, options) => (await request(path, options)).json();

export function post(path, body, signal) {
  return { path, options: { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal } };
}

// element("button", { className: "chip", onclick: f }, "text", child)
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Words of a video or of a user: they may run from right to left, whatever stands beside them.
export const words = (text) => element("bdi", {}, text);

export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(tenths / 36000);
  const minutes = Math.floor(tenths / 600) % 60;
  const rest = pad(Math.floor(tenths / 10) % 60) + "." + (tenths % 10);
  return hours ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

export const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

export const fileName = (path) => path.split(/[\\/]/).pop() || path;

export function complain(error) {
  document.getElementById("problem").textContent = error.name === "AbortError" ? "" : error.message;
}
