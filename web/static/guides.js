/** The list of matters narrows as one types, by words and pinyin initials; without this script a form does it. */

import { index, find } from "/static-pages/search.js";

const field = document.getElementById("q");
const count = document.getElementById("count");
const rows = [...document.querySelectorAll("[data-matter]")];
const parts = [...document.querySelectorAll("[data-department]")];
const open = new Set(parts.filter((part) => part.open)); // without a word that is looked for
const entries = index(
  [{ code: "", zh: "", en: "" }],
  rows.map((row, at) => ({ code: String(at), name: row.dataset.name, queue: "" })),
);

function show() {
  const text = field.value.trim();
  const found = new Set(find(entries, text, rows.length).found.map((one) => one.item));
  let shown = 0;
  rows.forEach((row, at) => {
    row.hidden = Boolean(text) && !found.has(String(at));
    shown += !row.hidden;
  });
  for (const part of parts) {
    part.open = Boolean(text) || open.has(part);
    const left = part.querySelectorAll("[data-matter]:not([hidden])").length;
    part.hidden = left === 0;
    part.querySelector("h2 small").textContent = String(left);
  }
  count.textContent = count.dataset.words.replace("{n}", String(shown));
  document.getElementById("none").hidden = shown > 0;
}

if (rows.length) {
  field.addEventListener("input", show);
}
