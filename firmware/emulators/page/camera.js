// A camera: what it sees, taken anew while somebody looks.

import { flag, make, text } from "./dom.js";

const EVERY_MS = 1000;

export class Camera {
  constructor(device) {
    this.device = device.device;
    this.picture = make("img", { class: "camera-picture", alt: "摄像头看到的画面 what the camera sees", width: "640", height: "360" });
    this.says = make("p", { class: "camera-says", role: "status" });
    this.element = make("div", { class: "camera" }, this.picture, this.says);
    this.take();
    setInterval(() => this.take(), EVERY_MS);
  }

  take() {
    if (!document.hidden) this.picture.src = `picture?device=${encodeURIComponent(this.device)}&at=${Date.now()}`;
  }

  update(camera, faults) {
    text(this.says, faults.unplug ? "线已拔" : faults.stall ? "连着,但不送画面" : camera.is_watched ? "正在被读取" : "没有人在看");
    flag(this.element, "is-live", camera.is_watched && !faults.unplug && !faults.stall);
  }
}
