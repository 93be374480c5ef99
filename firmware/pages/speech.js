/** Reads a screen aloud with the voices of this machine, when it has any. */

const synth = globalThis.speechSynthesis;
const LANGUAGES = { zh: "zh-CN", en: "en-GB" };
const TO = { zh: "到", en: " to " };
const NUMBER = /(?<![A-Za-z])[A-Z][A-Z0-9-]*\d/g; // of a ticket: A023, A-2A-007
const RANGE = /(?<=\d)–(?=\d)|(?<=(?<![\d-])\d{1,3})-\u2060?(?=\d{1,3}(?![\d-]))/g; // of minutes, of windows
const CHINESE = /[\u4e00-\u9fff]/;
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

/** A sentence as a voice should say it: numbers of tickets sign by sign, as when they are called. A comma behind
a letter keeps "A" from becoming the article. */
function spoken(sentence, lang) {
  const signs = (number) => [...number.replaceAll("-", "")].join(" ").replace(/[A-Z]/g, "$&,");
  return sentence.replace(NUMBER, signs).replace(RANGE, TO[lang]);
}

/** Speak the sentences one after another; whatever was being said stops. onEnd when the last is over. */
export function speak(sentences, lang, onEnd) {
  stop();
  const utterances = sentences.filter(Boolean).map((sentence) => {
    const utterance = new SpeechSynthesisUtterance(spoken(sentence, lang));
    utterance.lang = LANGUAGES[CHINESE.test(sentence) ? "zh" : lang]; // names of matters are Chinese everywhere
    utterance.rate = RATE;
    return utterance;
  });
  if (!utterances.length) return;
  utterances.at(-1).addEventListener("end", onEnd);
  utterances.forEach((utterance) => synth.speak(utterance));
}
