// The loudspeaker: what is being said, what was said, and a way to listen.

import { flag, make, text } from "./dom.js";

const LANGS = { zh: "中", en: "EN" };

export class Speaker {
  constructor(device) {
    this.device = device.device;
    this.cone = make("div", { class: "cone", "aria-hidden": "true" }, make("span", { class: "wave" }), make("span", { class: "wave" }), make("span", { class: "wave" }));
    this.now = make("p", { class: "speaking", role: "status" });
    this.bar = make("span", { class: "speaking-bar", "aria-hidden": "true" });
    this.listen = make("button", { type: "button", class: "listen", onclick: () => this.play(), disabled: true }, "听上一句 ", make("span", { class: "en", lang: "en" }, "listen"));
    this.list = make("ol", { class: "sentences", "aria-label": "播报过的话 sentences said" });
    this.element = make("div", { class: "speaker" }, make("div", { class: "speaker-box" }, this.cone, make("div", { class: "speaker-text" }, this.now, this.bar, this.listen)), this.list);
  }

  play() {
    this.audio?.pause();
    this.audio = new Audio(`wav?device=${encodeURIComponent(this.device)}`);
    this.audio.play().catch(() => text(this.now, "浏览器不让出声,请再点一次"));
  }

  update(speaker, faults, now) {
    const playing = speaker.sentences.findLast((sentence) => sentence.is_playing);
    flag(this.element, "is-playing", playing && !faults.mute && !faults.dead);
    flag(this.element, "is-dead", faults.dead);
    const idle = faults.dead ? "断电,不出声" : "安静";
    text(this.now, playing ? playing.text : idle);
    flag(this.now, "is-live", playing);
    if (playing?.id !== this.playing) this.progress(playing, now);
    this.listen.disabled = speaker.said === 0;
    const said = speaker.sentences.filter((sentence) => !sentence.is_playing).reverse();
    const key = JSON.stringify(said.map((sentence) => [sentence.id, sentence.is_whole]));
    if (key === this.key) return;
    this.key = key;
    this.list.replaceChildren(...said.map(row));
  }

  progress(playing, now) {
    this.playing = playing?.id;
    this.bar.style.animation = "none";
    void this.bar.offsetWidth;
    if (playing) this.bar.style.animation = `speaking ${playing.seconds}s linear ${playing.at - now}s both`;
  }
}

function row(sentence) {
  const notes = [sentence.is_heard ? "" : "没人听见", sentence.is_whole ? "" : "中断"].filter(Boolean).join(" · ");
  return make(
    "li",
    {},
    make("span", { class: "lang" }, LANGS[sentence.lang] ?? sentence.lang),
    make("span", { class: "said", lang: sentence.lang === "en" ? "en" : "zh-CN" }, sentence.text || "(没有文字)"),
    make("span", { class: "seconds" }, notes || `${sentence.seconds.toFixed(1)} 秒`),
  );
}
