/* The preview of a display follows the form as it is filled in; nothing is chosen until it is sent. */

const form = document.getElementById("layout");
const frame = document.getElementById("frame");
const preview = document.getElementById("preview");
const pages = JSON.parse(form.dataset.pages);

/** The board whose content is shown, or "" where what is chosen does not go together. */
function boardOf(shows, where) {
  const isWindow = /^w\d+$/.test(where);
  if ((shows === "window") !== isWindow) return "";
  if (shows === "zone") return where.startsWith("z-") ? where : "";
  if (shows === "hall" || shows === "leader") return "h-hall";
  return shows === "staff" && where === "h-hall" ? "h-staff" : where;
}

function show() {
  const filled = new FormData(form);
  const [shows, where, turn] = [filled.get("shows"), filled.get("where"), Number(filled.get("turn"))];
  const board = boardOf(shows, where);
  document.getElementById("not-so").hidden = board !== "";
  frame.toggleAttribute("data-portrait", turn % 180 !== 0);
  if (!board) return;
  const layout = {
    shows,
    columns: Number(filled.get("columns")),
    rows: Number(filled.get("rows")),
    order: filled.get("order"),
    lang: filled.get("lang"),
    turn: 0,
  };
  const address = `/h/${form.dataset.hall}/pages/${pages[shows]}?${new URLSearchParams({ board, layout: JSON.stringify(layout) })}`;
  if (new URL(address, location.href).href !== preview.src) preview.contentWindow.location.replace(address);
}

form.addEventListener("change", show);
