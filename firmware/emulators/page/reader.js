// A reader of identity cards with made-up people's cards beside it, or a scanner of codes.

import { flag, make, post, text } from "./dom.js";

export class Reader {
  constructor(device) {
    this.device = device.device;
    this.says = make("p", { class: "reader-says", role: "status" });
    this.glass = make("div", { class: "reader-glass" }, this.says);
    this.element = make("div", { class: "reader" }, this.glass, device.reader.reads === "id_card" ? this.cards(device.reader.people) : this.scanner());
  }

  cards(people) {
    this.buttons = people.map((person, at) =>
      make(
        "button",
        { type: "button", class: "id-card", "aria-pressed": "false", onclick: () => this.lay(at) },
        make("span", { class: "id-name" }, person.name),
        make("span", { class: "id-birth" }, `${person.birth.slice(0, 4)} 年生`),
      ),
    );
    return make("div", { class: "id-cards", role: "group", "aria-label": "虚构的身份证 made-up identity cards" }, ...this.buttons);
  }

  scanner() {
    this.code = make("input", { type: "text", class: "code-field", maxlength: "400", "aria-label": "要扫的码 code to scan", placeholder: "贴上小票二维码的地址 address of a slip" });
    const go = make("button", { type: "submit", class: "code-go" }, "扫码 ", make("span", { class: "en", lang: "en" }, "scan"));
    return make("form", { class: "code-form", onsubmit: (event) => this.scan(event) }, this.code, go);
  }

  async lay(at) {
    const person = this.buttons[at].getAttribute("aria-pressed") === "true" ? null : at;
    await post("lay", { device: this.device, person }).catch((error) => text(this.says, error.message));
  }

  async scan(event) {
    event.preventDefault();
    if (this.code.value.trim()) await post("scan", { device: this.device, code: this.code.value.trim() }).catch((error) => text(this.says, error.message));
  }

  update(reader, faults) {
    if (reader.reads === "id_card") {
      this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(reader.people[at].name === reader.card)));
      text(this.says, faults.dead || faults.unplug ? "没有通电" : reader.card ? `已放上 · 读过 ${reader.read} 次` : "把身份证放在这里");
    } else text(this.says, faults.unplug ? "线已拔" : `扫过 ${reader.scans} 个码`);
    flag(this.glass, "is-on", reader.card);
  }
}
