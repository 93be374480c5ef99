// A push button on the dispenser's front.

import { flag, make, post, text } from "./dom.js";

export class Button {
  constructor(device) {
    this.device = device.device;
    this.count = make("span", { class: "press-count" });
    this.cap = make(
      "button",
      { type: "button", class: "push", onclick: () => this.press() },
      make("span", { class: "push-cap", "aria-hidden": "true" }),
      make("span", { class: "push-label" }, device.label || device.device),
      this.count,
    );
    this.element = this.cap;
  }

  async press() {
    this.cap.classList.add("is-down");
    await post("press", { device: this.device }).catch((error) => text(this.count, error.message));
  }

  update(button) {
    flag(this.cap, "is-down", button.is_down);
    flag(this.cap, "is-unwired", !button.is_wired);
    text(this.count, button.is_wired ? `${button.presses} 次` : "没有接线");
  }
}
