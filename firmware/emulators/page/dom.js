// Making and changing elements: only what differs is touched, so that nothing moves under a finger.

export function make(tag, attributes = {}, ...children) {
  const element = tag.includes(":")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function flag(element, name, isOn) {
  if (element.classList.contains(name) !== Boolean(isOn)) element.classList.toggle(name, Boolean(isOn));
}

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.ok) return;
  const problem = await answer.json().catch(() => null);
  throw new Error(problem?.error?.zh ?? `HTTP ${answer.status}`);
}
