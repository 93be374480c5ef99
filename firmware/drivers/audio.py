"""A loudspeaker with a voice, in Mandarin and English, offline.

One queue a speaker: chime, Chinese, English, as often as asked; nothing overlaps and nothing is said
later than it is worth. Hides the helper process that speaks (speech.py), restarted when it dies, and
the sound output that may be away.

options of the DeviceConfig: one (yao | yi), rate (words a minute, 150), voices "cmn,en", bank (folder of
recorded phrases: phrases.py). Of the controller: volume, quiet (its loudness.py).
"""

from __future__ import annotations

import queue
import struct
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from firmware import wires
from firmware.drivers import Reporter, wav
from firmware.drivers.faults import Faults
from firmware.drivers.helper import Helper, HelperFault
from firmware.drivers.phrases import BadBank, Bank
from firmware.drivers.speech_text import spoken_en, spoken_zh
from firmware.protocol.messages import Capability, DeviceConfig, Speak, Spoken

SYNTHESIS_S = 10.0  # 3.4 s of sound take 8 ms (libraries.md 1.1); this is for a board under load
TRIES = 3
RETRY_S = 1.0


class VoiceFault(Exception):
    """The voice cannot say it: its helper died or hung, or it does not know the language."""


class Voice:
    """espeak-ng in its helper process (speech.py), started when needed."""

    def __init__(self) -> None:
        self._helper = Helper("firmware.drivers.speech", "the speaking helper", SYNTHESIS_S, head_size=4)

    @property
    def starts(self) -> int:
        return self._helper.starts

    @property
    def rate_hz(self) -> int:
        """Of the samples; known once something was said."""
        return int(struct.unpack(">I", self._helper.head)[0])

    def samples(self, voice: str, text: str, rate: int) -> bytes:
        """The sentence as int16 samples. Raises VoiceFault; the next call starts a new helper."""
        try:
            samples = self._helper.ask({"voice": voice, "text": text, "rate": rate})
        except HelperFault as fault:
            raise VoiceFault(str(fault)) from fault
        if text.strip() and not samples:
            raise VoiceFault(f"espeak-ng has no voice {voice!r}")
        return samples

    def close(self) -> None:
        self._helper.close()


@dataclass(frozen=True, slots=True)
class _Announcement:
    cid: str
    order: Speak
    late_at_s: float | None  # monotonic; said after this it would mislead
    said: Future[bool]


class Speaker:
    """Says announcements one after another and reports Spoken for each."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        self.config = config
        self._report = report
        self._faults = Faults(config.device, report)
        self._sound = wires.open_sound(wires.sound_wire(config.wire))
        self._one = config.options.get("one", "yao")
        self._rate = int(config.options.get("rate", "150"))
        self._zh, _, self._en = config.options.get("voices", "cmn,en").partition(",")
        self._voice = Voice()
        self._bank = _bank(config)
        self._queue: queue.Queue[_Announcement | None] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=config.device, daemon=True)
        self._counts = {"spoken": 0, "late": 0, "failed": 0, "recorded": 0}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Falls silent at once; what was not said is answered False."""
        self._stop.set()
        self._queue.put(None)
        self._sound.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return {**self._counts, "helper_starts": self._voice.starts, "waiting": self._queue.qsize()}

    def capability(self) -> Capability:
        return Capability(
            device=self.config.device,
            kind="speaker",
            can={"zh": True, "en": True, "recorded": self._bank is not None},
        )

    def say(self, cid: str, order: Speak, good_for_s: float | None = None) -> Future[bool]:
        """Queue an announcement. The Future tells whether it was said; not, when its turn comes more than
        good_for_s seconds from now, or the speaker fails."""
        late_at_s = None if good_for_s is None else time.monotonic() + good_for_s
        announcement = _Announcement(cid, order, late_at_s, Future())
        self._queue.put(announcement)
        return announcement.said

    def _run(self) -> None:
        while not self._stop.is_set():
            announcement = self._queue.get()
            if announcement is not None:
                announcement.said.set_result(self._said(announcement))
        while not self._queue.empty():
            if (unsaid := self._queue.get()) is not None:
                unsaid.said.set_result(False)
        self._voice.close()

    def _said(self, announcement: _Announcement) -> bool:
        if announcement.late_at_s is not None and time.monotonic() > announcement.late_at_s:
            self._counts["late"] += 1
            return False
        for attempt in range(TRIES):
            if attempt and self._stop.wait(RETRY_S):
                return False
            if self._try(announcement.order):
                self._counts["spoken"] += 1
                self._report(Spoken(order=announcement.cid))
                return True
        self._counts["failed"] += 1
        return False

    def _try(self, order: Speak) -> bool:
        """One time through; a second try begins at the beginning, so that nobody hears half a number."""
        try:
            for sentence in self._sentences(order):
                if self._stop.is_set():
                    return False
                self._sound.play(sentence, wav.read(sentence).seconds)
        except (wires.WireFault, VoiceFault, OSError) as fault:  # OSError: no process could be started
            if not self._stop.is_set():
                self._faults.raised("speaker.failed", str(fault))
            return False
        self._faults.cleared("speaker.failed")
        return True

    def _sentences(self, order: Speak) -> list[bytes]:
        """The WAV of each sentence in the order they are heard."""
        once = []
        if order.zh:
            once.append((spoken_zh(order.zh, self._one), self._zh, order.zh, "zh"))
        if order.en:
            once.append((spoken_en(order.en), self._en, order.en, "en"))
        clips = []
        for number, (spoken, voice, text, lang) in enumerate(once * max(1, order.times)):
            samples, rate_hz = self._said_in(spoken, voice, lang)
            head = wav.chime(rate_hz) if number == 0 and order.chime else b""
            sound = wav.softer(head + samples, max(0, order.volume))
            clips.append(wav.wav(sound + wav.silence(wav.PAUSE_S, rate_hz), rate_hz, text, lang))
        return clips

    def _said_in(self, spoken: str, voice: str, lang: str) -> tuple[bytes, int]:
        """Samples and their rate: of a person's recordings where they suffice, else of the voice."""
        recorded = self._bank.samples(spoken, lang) if self._bank is not None else None
        if self._bank is not None and recorded is not None:
            self._counts["recorded"] += 1
            return recorded, self._bank.rate_hz
        samples = self._voice.samples(voice, spoken, self._rate)
        return samples, self._voice.rate_hz


def _bank(config: DeviceConfig) -> Bank | None:
    folder = config.options.get("bank", "")
    try:
        return Bank(Path(folder)) if folder else None
    except BadBank as error:
        raise wires.WireFault("text", f"{config.device}: {error}") from error
