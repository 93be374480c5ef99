"""A sound output: WAVs played one after another.

    sound:default                                an ALSA device, through aplay
    sound:emulated:/run/x/sound.sock             the bench's loudspeaker

What is played is a WAV in memory; playing ends when it has been heard.
"""

from __future__ import annotations

import socket
import struct
import subprocess
from contextlib import suppress
from dataclasses import dataclass

from firmware.wires.fault import WireFault, after

PLAY_SLACK_S = 5.0  # beyond the sound's own length, before a player counts as dead


@dataclass(frozen=True, slots=True)
class SoundWire:
    device: str
    bench: str | None


def sound_wire(text: str) -> SoundWire:
    """What "sound:DEVICE" or "sound:emulated:SOCKET" says. Raises WireFault."""
    rest = after("sound:", text)
    if rest.startswith("emulated:"):
        return SoundWire("emulated", rest.removeprefix("emulated:"))
    return SoundWire(rest or "default", None)


class Sound:
    """Plays one WAV after another, each to its end. stop() from another thread cuts it off."""

    def __init__(self, wire: SoundWire) -> None:
        self.wire = wire
        self._playing: subprocess.Popen[bytes] | socket.socket | None = None

    def play(self, wav: bytes, seconds: float) -> None:
        """Play `wav`, which lasts `seconds`, and return when it has been heard. Raises WireFault."""
        if self.wire.bench is None:
            self._play_here(wav, seconds)
        else:
            self._play_at_bench(self.wire.bench, wav, seconds)

    def stop(self) -> None:
        match self._playing:
            case subprocess.Popen() as player:
                player.kill()
            case socket.socket() as bench:
                with suppress(OSError):
                    bench.shutdown(socket.SHUT_RDWR)
            case None:
                pass

    def _play_here(self, wav: bytes, seconds: float) -> None:
        words = ["aplay", "-q", "-D", self.wire.device, "-"]
        try:
            player = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError as error:
            raise WireFault("gone", "aplay is not installed; install the package alsa-utils") from error
        with player:
            self._playing = player
            try:
                _, said = player.communicate(wav, timeout=seconds + PLAY_SLACK_S)
            except subprocess.TimeoutExpired as error:
                player.kill()
                raise WireFault("blocked", f"aplay did not finish {seconds:.1f} s of sound") from error
            finally:
                self._playing = None
        if player.returncode != 0:
            reason = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise WireFault("gone", f"sound device {self.wire.device!r}: {reason or 'aplay failed'}")

    def _play_at_bench(self, path: str, wav: bytes, seconds: float) -> None:
        with socket.socket(socket.AF_UNIX) as bench:
            bench.settimeout(seconds + PLAY_SLACK_S)
            self._playing = bench
            try:
                bench.connect(path)
                bench.sendall(struct.pack(">I", len(wav)) + wav)
                answer = bench.recv(64)
            except OSError as error:
                raise WireFault("gone", f"the loudspeaker at {path} does not answer ({error})") from error
            finally:
                self._playing = None
        if answer != b"ok\n":
            raise WireFault("gone", f"the loudspeaker at {path} stopped in the middle of a sentence")


def open_sound(wire: SoundWire) -> Sound:
    """The output; it is looked for at each sentence, so one that comes back needs no restart."""
    return Sound(wire)
