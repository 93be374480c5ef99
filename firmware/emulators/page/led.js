// The LED bar: the text as lamps, 16 rows of them, scrolling when it is longer than the bar.

import { flag, make } from "./dom.js";

const ROWS = 16;
const PITCH = 4; // canvas pixels per lamp
const STEP_MS = 45;
const THRESHOLD = 150; // of 255: how much of a lamp's field a stroke must cover
const FONT = '16px "WenQuanYi Micro Hei", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Led {
  constructor(device) {
    this.columns = (device.led.columns ?? 16) * 8;
    this.canvas = make("canvas", { width: this.columns * PITCH, height: ROWS * PITCH, role: "img" });
    this.element = make("div", { class: "led" }, this.canvas);
    this.offset = 0;
    this.text = null;
  }

  update(led, faults) {
    flag(this.element, "is-dark", faults.dead || faults.unplug);
    const shown = faults.dead ? "" : led.text;
    if (shown === this.text) return;
    this.text = shown;
    this.canvas.setAttribute("aria-label", shown ? `条屏显示 ${shown}` : "条屏没有显示");
    this.dots = rasterize(shown);
    this.offset = 0;
    clearInterval(this.timer);
    const isLong = this.dots.width > this.columns;
    if (isLong && !still.matches) this.timer = setInterval(() => this.scroll(), STEP_MS);
    this.paint();
  }

  scroll() {
    this.offset = (this.offset + 1) % (this.dots.width + 24);
    this.paint();
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = "#150606";
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const isLong = this.dots.width > this.columns;
    const indent = isLong ? 0 : Math.floor((this.columns - this.dots.width) / 2);
    const off = new Path2D();
    const lit = new Path2D();
    for (let x = 0; x < this.columns; x++) {
      const column = isLong ? (x + this.offset) % (this.dots.width + 24) : x - indent;
      for (let y = 0; y < ROWS; y++) {
        const path = this.dots.lit(column, y) ? lit : off;
        path.moveTo((x + 1) * PITCH - 0.5, (y + 0.5) * PITCH);
        path.arc((x + 0.5) * PITCH, (y + 0.5) * PITCH, PITCH * 0.44, 0, 7);
      }
    }
    pen.fillStyle = "#260b09";
    pen.fill(off);
    pen.fillStyle = "#ff5a3c";
    pen.shadowColor = "#ff2a14";
    pen.shadowBlur = 5;
    pen.fill(lit);
    pen.shadowBlur = 0;
  }
}

// The text in lamps: drawn small, then each pixel on or off.
function rasterize(words) {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  pen.font = FONT;
  const width = Math.max(1, Math.ceil(pen.measureText(words).width));
  pen.canvas.width = width;
  pen.canvas.height = ROWS;
  pen.font = FONT;
  pen.textBaseline = "middle";
  pen.fillText(words, 0, ROWS / 2 + 0.5);
  const { data } = pen.getImageData(0, 0, width, ROWS);
  return { width, lit: (x, y) => x >= 0 && x < width && data[(y * width + x) * 4 + 3] > THRESHOLD };
}
