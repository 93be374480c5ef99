"""The helper process that speaks: sentences in, samples out (helper.py says how).

It alone loads espeak-ng, which is GPL-3 and C: the agent talks to it through pipes, as to any program,
and starts it again when it dies. Ends when its standard input ends, so it never outlives the agent.

    in    {"voice": "cmn", "text": "...", "rate": 160}
    out   at the start 4 bytes, the sample rate (big-endian); per question int16 samples, little-endian
"""

from __future__ import annotations

import ctypes
import struct
import sys

from firmware.drivers.helper import serve

SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: samples to the callback. Source: espeak-ng speak_lib.h
RATE = 1  # espeak_PARAMETER espeakRATE, words a minute
UTF8 = 1  # espeakCHARS_UTF8
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)  # t_espeak_callback


class Voices:
    """espeak-ng, opened. Raises OSError when its library or data cannot be loaded."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._samples = bytearray()
        self._callback = _CALLBACK(self._heard)  # kept: the library holds only a pointer
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz: int = self._library.espeak_Initialize(SYNCHRONOUS, 0, data, 0)
        if self.rate_hz <= 0:
            raise OSError("espeak-ng found no voice data")
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, voice: str, text: str, rate: int) -> bytes:
        """The sentence as samples; b"" for a voice espeak-ng does not have."""
        self._samples.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            return b""
        self._library.espeak_SetParameter(RATE, rate, 0)
        said = text.encode() + b"\0"
        self._library.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 0, 0, UTF8, None, None)
        return bytes(self._samples)

    def _heard(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0


def main() -> int:
    """Answer sentences until standard input ends."""
    voices = Voices()
    return serve(
        lambda asked: voices.speak(asked["voice"], asked["text"], asked["rate"]),
        head=struct.pack(">I", voices.rate_hz),
    )


if __name__ == "__main__":
    sys.exit(main())
