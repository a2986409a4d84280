// What both pages need. Text from a video only ever becomes textContent.

export async function api(path, options = {}) {
  const reply = await fetch(path, options);
  if (!reply.ok) {
    const body = await reply.json().catch(() => ({ detail: `the viewer answered ${reply.status}` }));
    throw new Error(body.detail);
  }
  return reply.json();
}

export function post(path, body, signal) {
  return { path, options: { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal } };
}

// element("button", { className: "chip", onclick: f }, "text", child)
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

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
