// Lamps, loose keys, dot matrices and screens: small things with little to say.

import { flag, make, post, text } from "./dom.js";

export class Lamp {
  constructor(device) {
    this.bulb = make("span", { class: "bulb", "aria-hidden": "true" });
    this.says = make("span", { role: "status" });
    this.element = make("div", { class: "lamp-box" }, this.bulb, this.says);
  }

  update(lamp, faults) {
    flag(this.bulb, "is-lit", lamp.is_lit);
    text(this.says, faults.dead ? "灯坏了" : lamp.is_lit ? "亮" : "灭");
  }
}

export class Keys {
  constructor(device) {
    this.says = make("p", { class: "keys-says", role: "status" });
    const row = device.keys.names.map((name) => make("button", { type: "button", class: "key", onclick: () => this.push(device.device, name) }, name));
    this.element = make("div", { class: "loose-keys" }, make("div", { class: "keys" }, ...row), this.says);
  }

  async push(device, key) {
    await post("push", { device, key }).catch((error) => text(this.says, error.message));
  }

  update(keys) {
    text(this.says, keys.is_wired ? `按过 ${keys.pushes} 次` : "没有接线");
  }
}

export class Matrix {
  constructor() {
    this.canvas = make("canvas", { class: "matrix", role: "img" });
    this.element = make("div", { class: "matrix-frame" }, this.canvas);
  }

  update(matrix) {
    const key = matrix.rows.join();
    if (key === this.key) return;
    this.key = key;
    const [wide, high, step] = [matrix.rows[0].length, matrix.rows.length, 8];
    this.canvas.width = wide * step;
    this.canvas.height = high * step;
    this.canvas.setAttribute("aria-label", `点阵 ${key.includes("#") ? "有字" : "全灭"}`);
    const pen = this.canvas.getContext("2d");
    matrix.rows.forEach((row, y) =>
      [...row].forEach((dot, x) => {
        pen.fillStyle = dot === "#" ? "#ff4b34" : "#3a120e";
        pen.beginPath();
        pen.arc((x + 0.5) * step, (y + 0.5) * step, step * 0.38, 0, Math.PI * 2);
        pen.fill();
      }),
    );
  }
}

export class Screen {
  constructor() {
    this.link = make("a", { target: "_blank", rel: "noopener" });
    this.says = make("p", { role: "status" });
    this.element = make("div", { class: "screen-box" }, this.link, this.says);
  }

  update(screen) {
    text(this.link, screen.url || "黑屏 dark");
    if (screen.url) this.link.href = screen.url;
    text(this.says, screen.url ? `网页已取 ${screen.asks} 次` : "没有浏览器在运行");
  }
}
