// The bench: follows the state of the emulated devices and draws each as the thing it is.

import { flag, make, text } from "./dom.js";
import { Button } from "./button.js";
import { Keypad } from "./keypad.js";
import { Led } from "./led.js";
import { Printer } from "./printer.js";
import { Camera } from "./camera.js";
import { Reader } from "./reader.js";
import { Keys, Lamp, Matrix, Screen } from "./small.js";
import { Speaker } from "./speaker.js";
import { Tools } from "./tools.js";

const KINDS = { printer: Printer, button: Button, keypad: Keypad, led: Led, speaker: Speaker, reader: Reader, camera: Camera, lamp: Lamp, keys: Keys, matrix: Matrix, screen: Screen };
const NAMES = {
  printer: ["打印机", "ticket printer"],
  button: ["按钮", "button"],
  keypad: ["呼叫器", "caller keypad"],
  led: ["条屏", "LED bar"],
  speaker: ["喇叭", "loudspeaker"],
  reader: ["读卡器", "reader"],
  camera: ["摄像头", "camera"],
  lamp: ["指示灯", "lamp"],
  keys: ["按键", "keys"],
  matrix: ["点阵屏", "dot matrix"],
  screen: ["大屏", "screen"],
};
const RETRY_MS = 1500;

const places = new Map(); // device -> {drawing, tools, place}

function theme() {
  const wanted = new URLSearchParams(location.search).get("theme");
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.theme = wanted ?? (isDark.matches ? "dark" : "light");
  };
  isDark.addEventListener("change", apply);
  apply();
}

// Devices that belong together stand together: the dispenser's buttons at its printer, a window's bar over its keypad.
function groupOf(device, all) {
  const hasPrinter = all.some((other) => other.kind === "printer");
  if (device.kind === "printer" || (device.kind === "button" && hasPrinter)) return "dispenser";
  if (device.kind === "button") return "buttons";
  const address = device[device.kind].address;
  if (device.kind === "keypad" || device.kind === "led") return `window-${address}`;
  return device.device;
}

function groupPlace(name, kind) {
  const found = document.getElementById(`group-${name}`);
  if (found) return found;
  const place = make("section", { id: `group-${name}`, class: `group group-${kind}` });
  document.getElementById("devices").append(place);
  return place;
}

const ORDER = { led: 0, printer: 0, matrix: 0, button: 1, keypad: 1, keys: 1, lamp: 1, reader: 2, speaker: 2, camera: 3, screen: 3 };

function place(device, all) {
  const [zh, en] = device.reader?.reads === "code" ? ["扫码器", "scanner"] : NAMES[device.kind];
  const drawing = new KINDS[device.kind](device);
  const tools = new Tools(device);
  const title = make(
    "h2",
    { class: "device-name" },
    make("span", {}, device.label.includes(zh) ? device.label : `${device.label} ${zh}`.trim()),
    make("span", { class: "en", lang: "en" }, en),
    make("code", { class: "device-id" }, device.device),
  );
  const article = make(
    "article",
    { class: `device device-${device.kind}`, "aria-label": `${device.label || zh} ${device.device}`, style: `order:${ORDER[device.kind]}` },
    device.kind === "button" ? null : title,
    drawing.element,
    tools.element,
  );
  groupPlace(groupOf(device, all), groupOf(device, all).split("-")[0]).append(article);
  return { drawing, tools, article };
}

function draw(state) {
  document.title = `${state.label} · 接线台`;
  text(document.getElementById("title"), state.label);
  text(document.getElementById("subtitle"), [state.label_en, state.unit].filter(Boolean).join(" · "));
  for (const device of state.devices) {
    if (!places.has(device.device)) places.set(device.device, place(device, state.devices));
    const { drawing, tools, article } = places.get(device.device);
    drawing.update(device[device.kind], device.faults, state.now);
    tools.update(device.faults);
    flag(article, "is-unplugged", device.faults.unplug);
    flag(article, "is-broken", Object.values(device.faults).some(Boolean));
  }
}

function linked(isUp) {
  const link = document.getElementById("link");
  flag(link, "is-up", isUp);
  text(document.getElementById("link-text"), isUp ? "已接通 Live" : "接线台已停,画面为最后状态 Bench stopped");
}

async function follow() {
  let version = null;
  for (;;) {
    try {
      const answer = await fetch(version === null ? "state" : `state?after=${version}`);
      if (answer.status === 200) {
        const state = await answer.json();
        version = state.ver;
        draw(state);
      } else if (answer.status !== 204) throw new Error(String(answer.status));
      linked(true);
    } catch {
      linked(false);
      version = null;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

theme();
follow();
