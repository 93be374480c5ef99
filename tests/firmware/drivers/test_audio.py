"""The loudspeaker: how texts are spoken, the WAV, one queue, and what happens when parts fail."""

from __future__ import annotations

import threading
import wave
from pathlib import Path
from typing import Any

import psutil
import pytest

from firmware.drivers import build, wav
from firmware.drivers.audio import Speaker, Voice, VoiceFault
from firmware.drivers.phrases import BadBank, Bank
from firmware.drivers.speech_text import spoken_en, spoken_zh
from firmware.protocol.messages import DeviceConfig, Faulted, Speak, Spoken, Struct
from firmware.wires import WireFault
from tests.firmware.rig import Reports, rig

SPEAKER: dict[str, Any] = {"kind": "speaker", "device": "speaker-1", "speed": 40.0}
ZH = "请 A023 号到 3 号窗口办理业务"
EN = "Ticket A023, please go to window 3"


def call(zh: str = ZH, en: str = "", times: int = 1, chime: bool = False) -> Speak:
    return Speak(device="speaker-1", zh=zh, en=en, times=times, chime=chime)


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("请 A023 号到 3 号窗口办理业务", "请 A 零 二 三 号到三号窗口办理业务"),
        ("请 B101 号到 12 号窗口", "请 B 幺 零 幺 号到十二号窗口"),
        ("请 1001 号到 20 号窗口", "请幺 零 零 幺号到二十号窗口"),
        ("VIP 窗口 35", "V I P 窗口三十五"),
        ("暂停服务", "暂停服务"),
    ],
)
def test_chinese_numbers_of_tickets_are_read_digit_by_digit(text: str, said: str) -> None:
    assert spoken_zh(text).replace(" ", "") == said.replace(" ", "")


def test_one_may_be_said_yi() -> None:
    assert "一零一" in spoken_zh("B101", one="yi")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (EN, "Ticket A, zero two three, please go to window 3"),
        ("Ticket B107 to window 12", "Ticket B, one zero seven to window 12"),
    ],
)
def test_english_numbers_of_tickets_are_read_digit_by_digit(text: str, said: str) -> None:
    assert spoken_en(text) == said


# --- WAV --------------------------------------------------------------------------------------------


def test_a_wav_carries_its_sentence() -> None:
    clip = wav.read(wav.wav(b"\x01\x00" * 22050, 22050, ZH, "zh"))
    assert (clip.text, clip.lang, clip.seconds, clip.has_sound) == (ZH, "zh", 1.0, True)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"x" * 100])
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="WAV"):
        wav.read(data)


def test_the_chime_has_two_tones_and_fades() -> None:
    chime = wav.chime(22050)
    assert 0.9 < len(chime) / 2 / 22050 < 1.6
    assert not any(chime[-2000:])


# --- the voice --------------------------------------------------------------------------------------


def test_both_languages_make_sound_and_a_dead_helper_is_started_again() -> None:
    voice = Voice()
    try:
        assert len(voice.samples("cmn", spoken_zh(ZH), 150)) > 22050
        assert len(voice.samples("en", spoken_en(EN), 150)) > 22050
        (helper,) = [child for child in psutil.Process().children() if "speech" in " ".join(child.cmdline())]
        helper.kill()
        helper.wait(5)
        assert len(voice.samples("cmn", "你好", 150)) > 2205
        assert voice.starts == 2
        with pytest.raises(VoiceFault, match="xx-none"):
            voice.samples("xx-none", "你好", 150)
    finally:
        voice.close()


# --- on a wire --------------------------------------------------------------------------------------


def test_an_announcement_is_chinese_then_english_as_often_as_asked(tmp_path: Path) -> None:
    with rig(tmp_path, SPEAKER) as hall:
        said = hall.driver("speaker-1").say("c1", call(en=EN, times=2, chime=True))
        assert said.result(timeout=60) is True
        sentences = hall.state("speaker-1")["sentences"]
        assert [each["text"] for each in sentences] == [ZH, EN, ZH, EN]
        assert [each["lang"] for each in sentences] == ["zh", "en", "zh", "en"]
        assert sentences[0]["seconds"] - sentences[2]["seconds"] > 1  # the chime comes once
        assert hall.reports.all == [Spoken(order="c1")]


def test_announcements_wait_for_each_other(tmp_path: Path) -> None:
    with rig(tmp_path, SPEAKER) as hall:
        speaker = hall.driver("speaker-1")
        futures = [speaker.say(f"c{n}", call(zh=f"请 A00{n} 号")) for n in range(4)]
        assert all(future.result(timeout=60) for future in futures)
        assert hall.reports.all == [Spoken(order=f"c{n}") for n in range(4)]


def test_what_comes_too_late_is_not_said(tmp_path: Path) -> None:
    with rig(tmp_path, {**SPEAKER, "speed": 4.0}) as hall:
        speaker = hall.driver("speaker-1")
        first = speaker.say("c1", call())
        late = speaker.say("c2", call(zh="请 A002 号"), good_for_s=0.01)
        assert (first.result(timeout=60), late.result(timeout=60)) == (True, False)
        assert speaker.counts()["late"] == 1


def test_what_is_asked_for_again_is_said_once_and_what_is_over_not_at_all(tmp_path: Path) -> None:
    with rig(tmp_path, SPEAKER) as hall:
        speaker = hall.driver("speaker-1")
        speaker.say("c1", call())
        over = speaker.say("c2", call(zh="请 A002 号"), is_due=lambda: False)
        again = [speaker.say(cid, call(zh="请 A003 号", times=2)) for cid in ("c3", "c4")]
        assert [one.result(timeout=60) for one in (over, *again)] == [False, True, True]
        texts = [each["text"] for each in hall.state("speaker-1")["sentences"]]
        assert texts == [ZH, "请 A003 号", "请 A003 号"]
        assert hall.reports.all == [Spoken(order=cid) for cid in ("c1", "c3", "c4")]


def test_a_dead_loudspeaker_is_told_once_and_speaks_again(tmp_path: Path) -> None:
    with rig(tmp_path, SPEAKER) as hall:
        speaker = hall.driver("speaker-1")
        hall.broken("speaker-1", "dead")
        assert speaker.say("c1", call()).result(timeout=60) is False
        assert speaker.health() == "speaker.failed"
        hall.broken("speaker-1", "dead", False)
        assert speaker.say("c2", call()).result(timeout=60) is True
        assert hall.reports.codes() == ["+speaker.failed", "-speaker.failed"]


def test_a_loudspeaker_nobody_hears_is_seen_on_its_own_side_only(tmp_path: Path) -> None:
    with rig(tmp_path, SPEAKER) as hall:
        hall.broken("speaker-1", "mute")
        assert hall.driver("speaker-1").say("c1", call()).result(timeout=60) is True
        (sentence,) = hall.state("speaker-1")["sentences"]
        assert sentence["is_heard"] is False


def test_stopping_falls_silent_at_once(tmp_path: Path) -> None:
    with rig(tmp_path, {**SPEAKER, "speed": 0.2}) as hall:
        speaker = hall.driver("speaker-1")
        said, waiting = speaker.say("c1", call()), speaker.say("c2", call())
        hall.until(lambda: hall.state("speaker-1")["sentences"])
        stopping = threading.Thread(target=speaker.stop)
        stopping.start()
        stopping.join(timeout=10)
        assert (said.result(timeout=1), waiting.result(timeout=1)) == (False, False)


def test_a_player_that_cannot_be_started_is_a_fault_and_not_the_end_of_the_speaker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aplay").write_text("no program: it may not be executed")
    monkeypatch.setenv("PATH", str(tmp_path))
    told: list[Struct] = []
    speaker = Speaker(DeviceConfig(device="speaker-1", kind="speaker", wire="sound:default"), told.append)
    speaker.start()
    try:
        said = [speaker.say(cid, call()) for cid in ("one", "two")]
        assert [one.result(20.0) for one in said] == [False, False]
    finally:
        speaker.stop()
    assert [type(report) for report in told] == [Faulted]


# --- how loud, and a person's voice -----------------------------------------------------------------


def recorded(folder: Path, *names: str, rate_hz: int = 16000, channels: int = 1) -> None:
    """A bank whose pieces are tones of 0.1 s."""
    for name in names:
        path = folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(b"\x00\x10" * (rate_hz // 10) * channels)


CALL = ("zh/请", "zh/a", "zh/零", "zh/二", "zh/三", "zh/号到", "zh/号窗口办理业务", "zh/号")
ENGLISH = ("en/ticket", "en/a", "en/zero", "en/two", "en/three", "en/please go to window", "en/3")


def test_softer_is_softer() -> None:
    assert wav.softer(b"\x00\x10\x00\xf0", 50) == b"\x00\x08\x00\xf8"
    assert wav.softer(b"\x00\x10", 0) == b"\x00\x00"


def test_a_sentence_is_put_together_from_the_longest_pieces(tmp_path: Path) -> None:
    recorded(tmp_path, *CALL, *ENGLISH)
    bank = Bank(tmp_path)
    said = bank.samples(spoken_zh(ZH), "zh")
    assert said is not None
    pieces = 8  # 请 A 零 二 三 号到 三 号窗口办理业务
    assert len(said) == pytest.approx(2 * 16000 * (0.1 * pieces + 0.04 * (pieces - 1)), abs=4)
    assert bank.samples(spoken_en(EN), "en") is not None


def test_a_sentence_with_a_missing_piece_is_left_to_the_voice(tmp_path: Path) -> None:
    recorded(tmp_path, *CALL)
    assert Bank(tmp_path).samples(spoken_zh("请 B023 号到 3 号窗口"), "zh") is None
    assert Bank(tmp_path).samples("number one", "en") is None


@pytest.mark.parametrize(("channels", "second"), [(2, 16000), (1, 8000)])
def test_a_bank_of_unlike_files_is_refused(tmp_path: Path, channels: int, second: int) -> None:
    recorded(tmp_path, "zh/请", channels=channels)
    recorded(tmp_path, "zh/号", rate_hz=second)
    config = DeviceConfig(device="s", kind="speaker", wire="sound:default", options={"bank": str(tmp_path)})
    with pytest.raises(WireFault, match=r"channel|rate"):
        build(config, Reports())


def test_an_empty_bank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBank, match="no WAV"):
        Bank(tmp_path)


def test_a_recorded_call_is_heard_and_an_unrecorded_one_spoken(tmp_path: Path) -> None:
    recorded(tmp_path / "bank", *CALL)
    with rig(tmp_path, SPEAKER) as hall:
        speaker = hall.driver("speaker-1", options={"bank": str(tmp_path / "bank")})
        assert speaker.say("c1", call(en=EN)).result(timeout=60) is True
        sentences = hall.state("speaker-1")["sentences"]
        assert [(each["text"], each["is_heard"]) for each in sentences] == [(ZH, True), (EN, True)]
        assert (speaker.counts()["recorded"], speaker.capability().can["recorded"]) == (1, True)


def test_a_silent_volume_is_not_heard(tmp_path: Path) -> None:
    with rig(tmp_path, SPEAKER) as hall:
        order = Speak(device="speaker-1", zh=ZH, volume=0)
        assert hall.driver("speaker-1").say("c1", order).result(timeout=60) is True
        (sentence,) = hall.state("speaker-1")["sentences"]
        assert sentence["is_heard"] is False
