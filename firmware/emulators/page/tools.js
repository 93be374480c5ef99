// Under each device: what can be broken, and the raw bytes on its wire.

import { flag, make, post, text } from "./dom.js";

const FAULTS = {
  paper_out: ["缺纸", "paper out"],
  near_end: ["纸将尽", "near end"],
  cover_open: ["开盖", "cover open"],
  cutter: ["切刀卡住", "cutter jam"],
  head_hot: ["过热", "too hot"],
  garbage: ["乱码应答", "garbage"],
  no_answer: ["不应答", "no answer"],
  slow: ["应答慢", "slow"],
  blocked: ["不收数据", "blocked"],
  unplug: ["拔线", "unplug"],
  noise: ["干扰", "noise"],
  stuck: ["按键卡住", "stuck"],
  bounce: ["触点抖动", "bounce"],
  broken: ["坏帧", "bad frames"],
  dead: ["断电", "no power"],
  nak: ["拒收", "refuses"],
  mute: ["无声", "mute"],
  failed: ["自检失败", "failed"],
  frozen: ["画面冻结", "frozen"],
  dark: ["一片黑", "dark"],
  covered: ["遮住镜头", "covered"],
  stall: ["不送画面", "stalled"],
  glitch: ["电磁干扰", "glitch"],
  crash: ["程序崩溃", "crash"],
  hang: ["程序停住", "hang"],
};
const RAW_EVERY_MS = 700;

export class Tools {
  constructor(device) {
    this.device = device.device;
    this.wire = device.wire;
    this.switches = new Map();
    this.summary = make("span", { class: "fault-words" });
    this.problem = make("p", { class: "problem", role: "alert" });
    this.rows = make("ol", { class: "raw-rows", tabindex: "0", "aria-label": "线路上的字节 bytes on the wire" });
    this.element = make("div", { class: "tools" }, this.breakage(device), this.raw(device));
  }

  breakage(device) {
    const row = make("div", { class: "switches" });
    for (const name of Object.keys(device.faults)) {
      const [zh, en] = FAULTS[name] ?? [name, ""];
      const input = make("input", { type: "checkbox", role: "switch", onchange: () => this.set(name, input.checked) });
      this.switches.set(name, input);
      row.append(make("label", { class: "switch" }, input, make("span", { class: "switch-face", "aria-hidden": "true" }), make("span", {}, zh), make("span", { class: "en", lang: "en" }, en)));
    }
    return make(
      "details",
      { class: "tool" },
      make("summary", {}, "弄坏它 ", make("span", { class: "en", lang: "en" }, "break it"), this.summary),
      row,
      this.problem,
    );
  }

  raw(device) {
    const wire = make("p", { class: "wire-name", title: device.wire }, make("code", {}, shortened(device.wire)));
    if (!/^(serial|file|tcp|hid):/.test(device.wire)) return wire;
    this.showsIdle = make("input", { type: "checkbox", onchange: () => this.readRaw() });
    const details = make(
      "details",
      { class: "tool", ontoggle: () => this.followRaw(details.open) },
      make("summary", {}, "看字节 ", make("span", { class: "en", lang: "en" }, "raw bytes")),
      wire,
      make("label", { class: "quiet-choice" }, this.showsIdle, "也看例行询问 ", make("span", { class: "en", lang: "en" }, "with routine polls")),
      this.rows,
    );
    return details;
  }

  async set(fault, isOn) {
    text(this.problem, "");
    try {
      await post("break", { device: this.device, fault, on: isOn });
    } catch (error) {
      text(this.problem, error.message);
      this.switches.get(fault).checked = !isOn;
    }
  }

  update(faults) {
    const on = [];
    for (const [name, isOn] of Object.entries(faults)) {
      const input = this.switches.get(name);
      if (input && input.checked !== isOn) input.checked = isOn;
      if (isOn) on.push((FAULTS[name] ?? [name])[0]);
    }
    text(this.summary, on.join("、"));
    flag(this.summary, "is-on", on.length > 0);
  }

  followRaw(isOpen) {
    clearInterval(this.timer);
    if (!isOpen) return;
    this.readRaw();
    this.timer = setInterval(() => this.readRaw(), RAW_EVERY_MS);
  }

  async readRaw() {
    const answer = await fetch(`raw?device=${encodeURIComponent(this.device)}`).catch(() => null);
    if (!answer?.ok) return;
    const { chunks } = await answer.json();
    const shown = chunks.filter((chunk) => this.showsIdle.checked || !chunk.is_idle).slice(-60);
    const key = JSON.stringify(shown.at(-1) ?? null) + shown.length;
    if (key === this.shownKey) return;
    this.shownKey = key;
    const isAtEnd = this.rows.scrollHeight - this.rows.scrollTop - this.rows.clientHeight < 30;
    this.rows.replaceChildren(...(shown.length ? shown.map(rawRow) : [make("li", { class: "raw-empty" }, "还没有字节 no bytes yet")]));
    if (isAtEnd) this.rows.scrollTop = this.rows.scrollHeight;
  }
}

// serial:/run/x/node-1/printer-1?baud=9600 -> serial printer-1?baud=9600; whole in the tooltip
function shortened(wire) {
  return `${wire.slice(0, wire.indexOf(":"))} ${wire.slice(wire.lastIndexOf("/") + 1)}`;
}

function rawRow(chunk) {
  return make(
    "li",
    { class: chunk.is_in ? "raw-in" : "raw-out" },
    make("span", { class: "raw-way", title: chunk.is_in ? "主机→设备 host to device" : "设备→主机 device to host" }, chunk.is_in ? "→" : "←"),
    make("code", {}, chunk.hex),
    chunk.words ? make("span", { class: "raw-words" }, chunk.words) : null,
  );
}
