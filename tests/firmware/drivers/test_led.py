"""LED bars: frames of the plain protocol, acks and repeats (F19, F20), rare characters (F26)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware import wires
from firmware.drivers import build
from firmware.drivers.led_frames import GROUP, SHOW, Frame, Reader, TemplateProtocol, encode_text
from firmware.protocol.messages import DeviceConfig
from tests.firmware.rig import Reports, rig

BARS: list[dict[str, Any]] = [
    {"kind": "led", "device": f"led-{at}", "link": "leds", "address": at} for at in (3, 4)
]


def test_a_frame_has_the_bytes_of_its_description() -> None:
    assert Frame(3, 1, SHOW, "请".encode("gbk")).encode() == bytes.fromhex("AA 55 03 01 01 02 C7 EB BF E3")


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(1, 240))
def test_f26_any_text_becomes_whole_characters_that_fit(text: str, longest: int) -> None:
    data = encode_text(text, max(longest, 2))
    assert len(data) <= max(longest, 2)
    data.decode("gbk")


@pytest.mark.parametrize(
    ("text", "shown"), [("①号 Ⓐ023", "①号 A023"), ("請𠮷", "請?"), ("①" * 200, "①" * 119 + "…")]
)
def test_f26_rare_and_too_many_characters(text: str, shown: str) -> None:
    assert encode_text(text).decode("gbk") == shown


FRAMES = st.builds(
    Frame,
    address=st.integers(1, 247),
    seq=st.integers(0, 255),
    code=st.just(SHOW),
    data=st.binary(max_size=20),
)


@settings(deadline=None)
@given(FRAMES, st.binary(max_size=12).filter(lambda noise: b"\xaa" not in noise))
def test_a_frame_behind_noise_is_found(frame: Frame, noise: bytes) -> None:
    assert Reader().feed(noise + frame.encode()) == [frame]


def test_two_bars_on_one_line_show_their_texts(tmp_path: Path) -> None:
    with rig(tmp_path, *BARS) as hall:
        for device in ("led-3", "led-4"):
            hall.driver(device).show(f"请 A023 号到 {device[-1]} 号窗口")
        hall.until(lambda: hall.state("led-3")["text"] == "请 A023 号到 3 号窗口")
        hall.until(lambda: hall.state("led-4")["text"] == "请 A023 号到 4 号窗口")


def test_f19_a_bar_without_power_faults_and_its_neighbour_goes_on(tmp_path: Path) -> None:
    with rig(tmp_path, *BARS) as hall:
        dead, alive = hall.driver("led-3"), hall.driver("led-4")
        hall.broken("led-3", "dead")
        dead.show("暂停服务")
        hall.until(lambda: dead.health() == "led.no_answer")
        assert dead.counts()["resends"] == 3
        alive.show("B007")
        hall.until(lambda: hall.state("led-4")["text"] == "B007")
        hall.broken("led-3", "dead", False)
        hall.until(lambda: hall.state("led-3")["text"] == "暂停服务")
        hall.until(lambda: hall.reports.codes() == ["+led.no_answer", "-led.no_answer"])


def test_f20_a_refused_text_is_repeated_and_the_newest_wins(tmp_path: Path) -> None:
    with rig(tmp_path, *BARS) as hall:
        bar = hall.driver("led-3")
        bar.show("A001")
        hall.until(lambda: hall.state("led-3")["text"] == "A001")
        hall.broken("led-3", "nak")
        bar.show("A002")
        hall.until(lambda: bar.health() == "led.no_answer")
        assert hall.state("led-3")["text"] == "A001"
        bar.show("A003")
        hall.broken("led-3", "nak", False)
        hall.until(lambda: hall.state("led-3")["text"] == "A003")
        assert bar.counts()["refusals"] >= 4


def test_f19_a_line_that_comes_back_is_painted_again(tmp_path: Path) -> None:
    with rig(tmp_path, *BARS) as hall:
        bar = hall.driver("led-3")
        bar.show("A001")
        hall.until(lambda: hall.state("led-3")["text"] == "A001")
        hall.broken("led-3", "unplug")
        hall.until(lambda: bar.health() == "led.gone")
        hall.broken("led-3", "dead")
        hall.broken("led-3", "dead", False)
        bar.show("A002")
        hall.broken("led-3", "unplug", False)
        hall.until(lambda: hall.state("led-3")["text"] == "A002")
        assert hall.reports.codes() == ["+led.gone", "-led.gone"]


def test_text_is_shown_through_noise(tmp_path: Path) -> None:
    with rig(tmp_path, *BARS) as hall:
        hall.broken("led-3", "noise")
        hall.driver("led-3").show("A001")
        hall.until(lambda: hall.state("led-3")["text"] == "A001")


def test_a_narrow_bar_gets_what_fits(tmp_path: Path) -> None:
    with rig(tmp_path, *BARS) as hall:
        hall.driver("led-3", options={"columns": "8"}).show("4号窗口 服务中")
        hall.until(lambda: hall.state("led-3")["text"] == "4号窗…")


def test_an_unknown_maker_is_refused_by_name() -> None:
    config = DeviceConfig(device="led-1", kind="led", wire="serial:/dev/x", options={"protocol": "acme"})
    with pytest.raises(wires.WireFault, match="acme"):
        build(config, Reports())


# --- other makers' bars -----------------------------------------------------------------------------

STX: list[dict[str, Any]] = [{**bar, "speaks": "stx"} for bar in BARS]
STX_OPTIONS = {
    "protocol": "template",
    "frame": "02 [addr] [len] [text] [xor] 03",
    "check_from": "1",
    "reply": "06",
}


def test_a_template_becomes_the_bytes_it_describes() -> None:
    bar = TemplateProtocol({**STX_OPTIONS, "frame": "02 [addr] [len] [text] [xor] [sum] 03"})
    assert bar.show(3, 1, "请").hex(" ") == "02 03 02 c7 eb 2d e4 03"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"protocol": "template", "frame": "02 [adr]"}, "adr"),
        ({"protocol": "template", "reply": "6"}, "reply"),
        ({"protocol": "acme"}, "acme"),
    ],
)
def test_a_template_that_means_nothing_is_named(options: dict[str, str], said: str) -> None:
    config = DeviceConfig(device="led-1", kind="led", wire="serial:/dev/x", options=options)
    with pytest.raises(wires.WireFault, match=said):
        build(config, Reports())


def test_bars_of_another_maker_share_a_line_and_answer(tmp_path: Path) -> None:
    with rig(tmp_path, *STX) as hall:
        for device in ("led-3", "led-4"):
            hall.driver(device, options=STX_OPTIONS).show(f"请 A023 号到 {device[-1]} 号窗口")
        hall.until(lambda: hall.state("led-3")["text"] == "请 A023 号到 3 号窗口")
        hall.until(lambda: hall.state("led-4")["text"] == "请 A023 号到 4 号窗口")


def test_f20_another_makers_bar_that_is_dead_is_told(tmp_path: Path) -> None:
    with rig(tmp_path, *STX) as hall:
        bar = hall.driver("led-3", options=STX_OPTIONS)
        hall.broken("led-3", "dead")
        bar.show("A001")
        hall.until(lambda: bar.health() == "led.no_answer")
        hall.broken("led-3", "dead", False)
        hall.until(lambda: hall.state("led-3")["text"] == "A001")


def test_a_bar_that_never_answers_just_shows_lines(tmp_path: Path) -> None:
    with rig(tmp_path, {**BARS[0], "speaks": "lines"}) as hall:
        bar = hall.driver("led-3", options={"protocol": "template"})
        for text in ("A001", "A002"):
            bar.show(text)
            hall.until(lambda text=text: hall.state("led-3")["text"] == text)
        assert (bar.health(), bar.capability().can["confirms"]) == ("ok", False)


def test_a_package_brings_a_makers_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_led.py").write_text(
        "class Acme:\n"
        "    answers = False\n"
        "    def __init__(self, options): self.colour = options.get('colour', 'red')\n"
        "    def show(self, address, seq, text): return f'{self.colour}:{text}\\r\\n'.encode('gbk')\n"
        "    def replies(self, data): return {}\n"
        "    def forget(self): pass\n"
    )
    about = tmp_path / "acme_led-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-led\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nacme = acme_led:Acme\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with rig(tmp_path, {**BARS[0], "speaks": "lines"}) as hall:
        hall.driver("led-3", options={"protocol": "acme", "colour": "amber"}).show("A001")
        hall.until(lambda: hall.state("led-3")["text"] == "amber:A001")
