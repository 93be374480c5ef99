// The ticket printer: paper rises out of its slot line by line as the bytes arrive; cut slips go to the tray.

import { flag, make, text } from "./dom.js";

const ROLL_MM = 50000;

export class Printer {
  constructor() {
    this.slips = new Map(); // id -> {element, key}
    this.selected = null;
    this.bay = make("div", { class: "paper-bay", tabindex: "0", "aria-label": "打印出的小票 printed slips" });
    this.hint = make("p", { class: "bay-hint" }, "按一下取号按钮,小票从这里出来", make("span", { class: "en", lang: "en" }, "press a button and a slip comes out"));
    this.lamp = make("span", { class: "printer-lamp", "aria-hidden": "true" });
    this.says = make("span", { class: "printer-says", role: "status" });
    this.roll = make("span", { class: "roll-fill" });
    this.rollText = make("span", { class: "roll-text" });
    this.tray = make("ol", { class: "tray", "aria-label": "先前的小票 earlier slips" });
    this.bay.append(this.hint);
    this.element = make(
      "div",
      { class: "printer" },
      this.bay,
      make(
        "div",
        { class: "printer-body" },
        make("div", { class: "printer-slot", "aria-hidden": "true" }),
        make("div", { class: "printer-front" }, this.lamp, this.says, make("span", { class: "roll", "aria-hidden": "true" }, this.roll), this.rollText),
      ),
      this.tray,
    );
  }

  update(printer, faults) {
    const newest = printer.slips.at(-1);
    if (newest && newest.id !== this.newest) {
      this.newest = newest.id;
      this.selected = null;
    }
    this.show(printer.slips.find((slip) => slip.id === this.selected) ?? newest);
    this.fillTray(printer.slips);
    this.status(printer, faults);
  }

  // Only what is new is added to the slip that is shown: printed lines stay as they are.
  show(slip) {
    const key = slip ? `${slip.id}:${slip.lines.length}:${slip.is_cut}:${slip.is_torn}` : "";
    if (key === this.shown) return;
    this.shown = key;
    if (!slip) this.bay.replaceChildren(this.hint);
    else if (this.sheet?.id === slip.id) this.sheet.element.append(...slip.lines.slice(this.sheet.lines).map(printed));
    else this.lay(slip);
    if (slip) {
      this.sheet.lines = slip.lines.length;
      flag(this.sheet.element, "is-cut", slip.is_cut);
      flag(this.sheet.element, "is-torn", slip.is_torn);
    }
    this.bay.scrollTop = this.bay.scrollHeight;
  }

  lay(slip) {
    const element = make("div", { class: "slip" }, ...slip.lines.map(printed));
    this.sheet = { id: slip.id, element };
    this.bay.replaceChildren(make("div", { class: "slip-shadow" }, element));
  }

  fillTray(slips) {
    const earlier = slips.slice(0, -1).reverse();
    const key = earlier.map((slip) => slip.id).join() + `/${this.selected}`;
    if (key === this.trayKey) return;
    this.trayKey = key;
    this.tray.replaceChildren(...earlier.map((slip) => this.mini(slip, slips)));
  }

  mini(slip, slips) {
    const choose = () => {
      this.selected = this.selected === slip.id ? null : slip.id;
      this.show(slips.find((other) => other.id === this.selected) ?? slips.at(-1));
      this.fillTray(slips);
    };
    const button = make(
      "button",
      { type: "button", class: `mini${slip.is_torn ? " is-torn" : ""}`, "aria-pressed": String(this.selected === slip.id), onclick: choose },
      largest(slip),
      slip.is_torn ? make("span", { class: "mini-note" }, "残") : null,
    );
    return make("li", {}, button);
  }

  status(printer, faults) {
    const broken = faults.unplug || faults.paper_out || faults.cover_open || faults.cutter || faults.head_hot;
    const [zh, isBad] = faults.unplug
      ? ["线已拔", true]
      : faults.paper_out
        ? ["缺纸", true]
        : faults.cover_open
          ? ["盖开着", true]
          : faults.cutter
            ? ["切刀卡住", true]
            : faults.head_hot
              ? ["打印头过热", true]
              : printer.is_printing
                ? ["正在打印", false]
                : ["就绪", false];
    text(this.says, zh);
    flag(this.lamp, "is-bad", isBad);
    flag(this.lamp, "is-busy", printer.is_printing && !broken);
    flag(this.element, "is-open", faults.cover_open);
    const left = faults.paper_out ? 0 : Math.min(1, printer.paper_mm / ROLL_MM);
    this.roll.style.setProperty("--left", left.toFixed(3));
    text(this.rollText, `余纸 ${(faults.paper_out ? 0 : printer.paper_mm / 1000).toFixed(1)} 米`);
  }
}

function printed(line) {
  if (line.qr) {
    return make("img", { class: `slip-qr align-${line.align}`, src: `qr.svg?text=${encodeURIComponent(line.qr)}`, alt: `二维码 ${line.qr}`, title: line.qr });
  }
  if (line.image) {
    return make("img", { class: `slip-image align-${line.align}`, src: `data:image/svg+xml,${encodeURIComponent(line.image)}`, alt: "打印的图像", style: `width:${(line.dots / 576) * 100}%` });
  }
  return make("p", { class: `slip-line align-${line.align}${line.bold ? " is-bold" : ""}`, style: `--times:${line.size}` }, line.text || "\u00a0");
}

function largest(slip) {
  const lines = slip.lines.filter((line) => line.text);
  const big = lines.reduce((best, line) => (line.size > (best?.size ?? 0) ? line : best), null);
  return big?.text.slice(0, 8) ?? "—";
}
