"""A loudspeaker with a voice, in Mandarin and English, offline.

One queue a speaker: chime, Chinese, English, as often as asked; nothing overlaps and nothing is said
later than it is worth. While others wait each is said once and without a chime, so that all get their turn;
what is asked for again before it was said is said once. Hides the helper process that speaks (speech.py),
restarted when it dies, and the sound output that may be away.

options of the DeviceConfig: one (yao | yi), rate (words a minute, 150), voices "cmn,en", bank (folder of
recorded phrases: phrases.py). Of the controller: volume, quiet (its loudness.py).
"""

from __future__ import annotations

import queue
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import msgspec

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


@dataclass(slots=True)
class _Announcement:
    """One thing to say. asked: every order that wants it, and who waits for its end."""

    order: Speak
    late_at_s: float | None  # monotonic; said after this it would mislead
    is_due: Callable[[], bool]
    asked: list[tuple[str, Future[bool]]]

    @property
    def is_worth_saying(self) -> bool:
        is_late = self.late_at_s is not None and time.monotonic() > self.late_at_s
        return not is_late and self.is_due()


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
        self._waiting: dict[tuple[str, str], _Announcement] = {}  # by what is said
        self._lock = threading.Lock()
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

    def say(
        self,
        cid: str,
        order: Speak,
        good_for_s: float | None = None,
        is_due: Callable[[], bool] = lambda: True,
    ) -> Future[bool]:
        """Queue an announcement. The Future tells whether it was said; not, when its turn comes more than
        good_for_s seconds from now or it is not due any more, or the speaker fails."""
        said = Future[bool]()
        late_at_s = None if good_for_s is None else time.monotonic() + good_for_s
        with self._lock:
            waiting = self._waiting.get((order.zh, order.en))
            if waiting is not None:
                waiting.asked.append((cid, said))
                waiting.late_at_s = late_at_s
                return said
            announcement = _Announcement(order, late_at_s, is_due, [(cid, said)])
            self._waiting[order.zh, order.en] = announcement
            self._queue.put(announcement)
        return said

    def _run(self) -> None:
        while not self._stop.is_set():
            announcement = self._next()
            if announcement is not None:
                _end(announcement, is_said=self._said(announcement))
        while not self._queue.empty():
            if (unsaid := self._next()) is not None:
                _end(unsaid, is_said=False)
        self._voice.close()

    def _next(self) -> _Announcement | None:
        """What is said now; who asks for the same from here on wants it said again."""
        announcement = self._queue.get()
        if announcement is not None:
            with self._lock:
                del self._waiting[announcement.order.zh, announcement.order.en]
        return announcement

    def _said(self, announcement: _Announcement) -> bool:
        if not announcement.is_worth_saying:
            self._counts["late"] += 1
            return False
        order = announcement.order
        if not self._queue.empty():
            order = msgspec.structs.replace(order, chime=False)
        for attempt in range(TRIES):
            if attempt and self._stop.wait(RETRY_S):
                return False
            if self._try(order):
                self._counts["spoken"] += 1
                for cid, _ in announcement.asked:
                    self._report(Spoken(order=cid))
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

    def _sentences(self, order: Speak) -> Iterator[bytes]:
        """The WAV of each sentence in the order they are heard; nothing is repeated while others wait."""
        once = []
        if order.zh:
            once.append((spoken_zh(order.zh, self._one), self._zh, order.zh, "zh"))
        if order.en:
            once.append((spoken_en(order.en), self._en, order.en, "en"))
        for number, (spoken, voice, text, lang) in enumerate(once * max(1, order.times)):
            if number >= len(once) and number % len(once) == 0 and not self._queue.empty():
                return
            samples, rate_hz = self._said_in(spoken, voice, lang)
            head = wav.chime(rate_hz) if number == 0 and order.chime else b""
            sound = wav.softer(head + samples, max(0, order.volume))
            yield wav.wav(sound + wav.silence(wav.PAUSE_S, rate_hz), rate_hz, text, lang)

    def _said_in(self, spoken: str, voice: str, lang: str) -> tuple[bytes, int]:
        """Samples and their rate: of a person's recordings where they suffice, else of the voice."""
        recorded = self._bank.samples(spoken, lang) if self._bank is not None else None
        if self._bank is not None and recorded is not None:
            self._counts["recorded"] += 1
            return recorded, self._bank.rate_hz
        samples = self._voice.samples(voice, spoken, self._rate)
        return samples, self._voice.rate_hz


def _end(announcement: _Announcement, *, is_said: bool) -> None:
    for _, said in announcement.asked:
        said.set_result(is_said)


def _bank(config: DeviceConfig) -> Bank | None:
    folder = config.options.get("bank", "")
    try:
        return Bank(Path(folder)) if folder else None
    except BadBank as error:
        raise wires.WireFault("text", f"{config.device}: {error}") from error
