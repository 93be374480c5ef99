/** Building and changing elements: the little that the pages need instead of a framework. */

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes: "class", "data-…", "aria-…" as they are; "on…" listeners; false leaves one out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Write text only when it differs, so that nothing flickers and nothing is announced twice. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set or remove an attribute only when it differs. */
export function mark(element, attribute, value) {
  const wanted = value === true ? "" : value;
  if (wanted === false || wanted === null || wanted === undefined) element.removeAttribute(attribute);
  else if (element.getAttribute(attribute) !== wanted) element.setAttribute(attribute, wanted);
}

/** Shapes on a 24 x 24 grid, drawn with a line of 2. */
const SHAPES = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.5 15.5L21 21",
  people: "M9 4.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7M2.5 20c0-4 2.8-6 6.5-6s6.5 2 6.5 6M16 5a3.3 3.3 0 0 1 0 6.3M18 14.4c2.2.8 3.5 2.7 3.5 5.6",
  clock: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 7v5.2l3.4 2",
  desk: "M3 8.5h18M5 8.5V19M19 8.5V19M8 8.5V5h8v3.5M5 14h14",
  place: "M12 21c4.5-5 7-8.4 7-11.4a7 7 0 1 0-14 0C5 12.600 7.500 16 12 21M12 7.300a2.400 2.400 0 1 0 0 4.800a2.400 2.400 0 0 0 0-4.800",
  ticket: "M4 6h16v4a2 2 0 0 0 0 4v4H4v-4a2 2 0 0 0 0-4V6M14 6.500v2M14 11v2M14 15.500v2",
  check: "M4.500 12.500l5 5L19.500 7",
  back: "M19 12H5M11 6l-6 6l6 6",
  forward: "M5 12h14M13 6l6 6l-6 6",
  home: "M4 11l8-7l8 7M6 9.500V20h12V9.500M10 20v-6h4v6",
  large: "M3 19L8 6h1l5 13M5 15h7M15.500 19l2.800-7h.900l2.800 7M16.600 16.700h4.300",
  contrast: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 3v18M12 7h4.500M12 11h7.500M12 15h6.500M12 19h3",
  low: "M12 3v11M7.500 9.500L12 14l4.500-4.500M4 20h16",
  read: "M4 9.500h3.500L12 5.500v13l-4.500-4H4v-5M15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
  help: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M9.300 9.500a2.800 2.800 0 1 1 4.200 2.400c-1 .6-1.500 1.100-1.500 2.300M12 17.200v.300",
  language: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M3 12h18M12 3c3.200 3 4 6 4 9s-.800 6-4 9c-3.200-3-4-6-4-9s.800-6 4-9",
  card: "M3 6h18v13H3V6M7 15.500c.500-2 4-2 4.500 0M9.250 12.500a1.600 1.600 0 1 0 0-3.200a1.600 1.600 0 0 0 0 3.200M14.500 10.500h4M14.500 14h4",
  calendar: "M4 6h16v14H4V6M4 10h16M8 3.500v4M16 3.500v4M8.500 15l2.500 2.500l4.500-4.500",
  pause: "M8 5v14M16 5v14",
  attention: "M12 4L2.500 20h19L12 4M12 10v4.500M12 17v.300",
  erase: "M9 5h11v14H9l-6-7l6-7M12 9.500l5 5M17 9.500l-5 5",
};

/** A decorative picture of `name`; words stand beside it, so it is hidden from readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** Longer names get smaller letters: the step (0, 1, 2) for a name of this width in full-width letters. */
export function lengthStep(text, first = 8, second = 16) {
  let width = 0;
  for (const letter of text) width += letter.codePointAt(0) > 0x2e80 ? 1 : 0.55;
  if (width <= first) return "0";
  return width <= second ? "1" : "2";
}
