/** Reads a screen aloud with the voices of this machine, when it has any. */

const synth = globalThis.speechSynthesis;
const LANGUAGES = { zh: "zh-CN", en: "en-GB" };
const RATE = 0.9; // a little slower than usual: the listener stands in a noisy hall

/** Whether this machine can speak the language. */
export function canSpeak(lang) {
  return Boolean(synth?.getVoices().some((voice) => voice.lang.toLowerCase().startsWith(lang)));
}

/** Call back when voices appear, which browsers report late. */
export function onVoices(callback) {
  synth?.addEventListener?.("voiceschanged", callback);
}

export function isSpeaking() {
  return Boolean(synth && (synth.speaking || synth.pending));
}

export function stop() {
  synth?.cancel();
}

/** Speak the sentences one after another; whatever was being said stops. onEnd when the last is over. */
export function speak(sentences, lang, onEnd) {
  stop();
  const spoken = sentences.filter(Boolean).map((sentence) => {
    const utterance = new SpeechSynthesisUtterance(sentence);
    utterance.lang = LANGUAGES[lang];
    utterance.rate = RATE;
    return utterance;
  });
  if (!spoken.length) return;
  spoken.at(-1).addEventListener("end", onEnd);
  spoken.forEach((utterance) => synth.speak(utterance));
}
