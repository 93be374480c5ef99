// The caller keypad: two displays of three digits, keys to press, and the rating faces beside it.

import { flag, make, post, text } from "./dom.js";

const KEYS = [
  ["call_next", "叫下一位", "next", "key-wide key-blue"],
  ["recall", "重呼", "recall", ""],
  ["start", "确认", "start", ""],
  ["no_show", "过号", "no-show", ""],
  ["hold", "挂起", "hold", ""],
  ["call_back", "回呼", "call back", ""],
  ["delay", "延后", "delay", ""],
  ["transfer", "转移", "transfer", ""],
  ["pause", "暂停", "pause", "key-amber"],
  ["finish", "评价", "finish", "key-green"],
];
const FACES = {
  5: [["很差", -1], ["差", -0.5], ["一般", 0.05], ["满意", 0.55], ["很满意", 1]],
  3: [["不满意", -1], ["一般", 0.05], ["满意", 1]],
  4: [["不满意", -1], ["一般", 0.05], ["满意", 0.55], ["很满意", 1]],
};
// Segments a-g of each digit. Source: the usual layout, a on top, clockwise, g in the middle.
const SEGMENTS = { 0: "abcdef", 1: "bc", 2: "abged", 3: "abgcd", 4: "fgbc", 5: "afgcd", 6: "afgedc", 7: "abc", 8: "abcdefg", 9: "abcdfg", "-": "g" };
const SHAPES = {
  a: "3.2,1 12.8,1 11,3.2 5,3.2",
  b: "13.6,1.8 13.6,11.4 11.6,10.2 11.6,4",
  c: "13.6,12.6 13.6,22.2 11.6,20 11.6,13.8",
  d: "3.2,23 12.8,23 11,20.8 5,20.8",
  e: "2.4,12.6 2.4,22.2 4.4,20 4.4,13.8",
  f: "2.4,1.8 2.4,11.4 4.4,10.2 4.4,4",
  g: "3.4,12 5,10.9 11,10.9 12.6,12 11,13.1 5,13.1",
};

export class Keypad {
  constructor(device) {
    this.device = device.device;
    this.left = display("等候", "waiting");
    this.right = display("票号", "number");
    this.answer = make("span", { class: "answer-lamp", role: "img", "aria-label": "主机应答灯" });
    this.problem = make("p", { class: "problem", role: "alert" });
    this.beeper = make("span", { class: "beeper", "aria-hidden": "true" }, "♪");
    this.rating = device.keypad.faces ? this.ratingPad(device.keypad.faces) : null;
    this.element = make(
      "div",
      { class: "keypad-set" },
      make(
        "div",
        { class: "keypad" },
        make("div", { class: "keypad-displays" }, this.left.element, this.right.element),
        make("div", { class: "keypad-lamps" }, this.answer, this.beeper),
        make("div", { class: "keys" }, ...KEYS.map((key) => this.key(...key))),
      ),
      this.rating?.element ?? null,
      this.problem,
    );
    this.beeps = device.keypad.beeps;
  }

  key(name, zh, en, look) {
    const press = () => this.send("key", { device: this.device, key: name });
    return make("button", { type: "button", class: `key ${look}`, onclick: press }, make("span", {}, zh), make("span", { class: "en", lang: "en" }, en));
  }

  ratingPad(faces) {
    const stars = make("p", { class: "stars", role: "img" });
    const prompt = make("p", { class: "rating-prompt", role: "status" });
    const row = make("div", { class: "faces" });
    FACES[faces]?.forEach(([zh, mood], value) => {
      const rate = () => this.send("rate", { device: this.device, value });
      row.prepend(make("button", { type: "button", class: "face", "aria-label": zh, onclick: rate }, face(mood), make("span", {}, zh)));
    });
    return { element: make("div", { class: "rating" }, prompt, row, stars), stars, prompt };
  }

  async send(path, body) {
    text(this.problem, "");
    try {
      await post(path, body);
    } catch (error) {
      text(this.problem, error.message);
    }
  }

  update(keypad, faults) {
    this.left.show(faults.unplug ? "   " : keypad.left);
    this.right.show(faults.unplug ? "   " : keypad.right);
    flag(this.answer, "is-on", keypad.keys > 0 && keypad.answered >= keypad.keys);
    flag(this.answer, "is-waiting", keypad.keys > keypad.answered);
    if (keypad.beeps !== this.beeps) this.beep(keypad.beeps);
    if (this.rating) {
      flag(this.rating.element, "is-asking", keypad.is_asking);
      text(this.rating.prompt, keypad.is_asking ? "请为本次服务评价" : keypad.stars ? "谢谢您的评价" : "评价器");
      text(this.rating.stars, "★".repeat(keypad.stars) + "☆".repeat(5 - Math.min(5, keypad.stars)));
      this.rating.stars.setAttribute("aria-label", `${keypad.stars} 星`);
    }
  }

  beep(count) {
    this.beeps = count;
    this.beeper.classList.remove("is-beeping");
    void this.beeper.offsetWidth;
    this.beeper.classList.add("is-beeping");
  }
}

function display(zh, en) {
  const digits = [0, 1, 2].map(digit);
  const window = make("div", { class: "digits", role: "img" }, ...digits.map((each) => each.element));
  const element = make("div", { class: "display" }, window, make("span", { class: "display-name" }, zh, " ", make("span", { class: "en", lang: "en" }, en)));
  return {
    element,
    show(cells) {
      window.setAttribute("aria-label", `${zh} ${cells.trim() || "空"}`);
      digits.forEach((each, at) => each.show(cells[at] ?? " "));
    },
  };
}

function digit() {
  const parts = Object.entries(SHAPES).map(([name, points]) => [name, make("svg:polygon", { points })]);
  const element = make("svg:svg", { viewBox: "0 0 16 24", class: "digit", "aria-hidden": "true" }, ...parts.map(([, part]) => part));
  return {
    element,
    show(cell) {
      for (const [name, part] of parts) flag(part, "is-lit", (SEGMENTS[cell] ?? "").includes(name));
    },
  };
}

function face(mood) {
  const bend = 23 + mood * 5;
  const corner = 23 - mood * 2;
  return make(
    "svg:svg",
    { viewBox: "0 0 36 36", "aria-hidden": "true" },
    make("svg:circle", { cx: 18, cy: 18, r: 16, class: "face-disc" }),
    make("svg:circle", { cx: 12, cy: 14, r: 2.1, class: "face-ink" }),
    make("svg:circle", { cx: 24, cy: 14, r: 2.1, class: "face-ink" }),
    make("svg:path", { d: `M10 ${corner} Q18 ${bend + mood * 3} 26 ${corner}`, class: "face-mouth" }),
  );
}
