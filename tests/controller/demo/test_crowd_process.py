"""What the crowd's process reads off the benches, keeps in its file, and takes for the end of a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from controller.demo import benches
from controller.demo.citizens import Step, new_citizen
from controller.demo.clerks import Mood
from controller.demo.crowd import new_day
from controller.demo.crowd_process import AFTER_CLOSING, CrowdConfig, is_day_over, keep, recall, remembered
from controller.demo.sight import Keypad, Seen, Slip
from controller.simulate import Arrival

CLOSES = timedelta(hours=17)
MIDNIGHT = datetime(2026, 11, 22, 16, tzinfo=UTC)


def config(memory: Path, date: str = "2026-11-23") -> CrowdConfig:
    return CrowdConfig(
        date=date,
        midnight=MIDNIGHT,
        closes_s=CLOSES.total_seconds(),
        clock_epoch=MIDNIGHT,
        clock_offset_s=0.0,
        speed=8.0,
        seed=1,
        buttons={},
        green_buttons={},
        printers=[],
        keypads={},
        bars={},
        sign_in={1: "http://127.0.0.1/in/x"},
        windows_url="http://127.0.0.1/w/hall/?choose=1",
        arrivals=[Arrival(timedelta(hours=9), "A", timedelta(minutes=3))],
        memory=str(memory),
    )


def test_the_config_survives_its_file(tmp_path: Path):
    made = config(tmp_path / "crowd.json")
    assert msgspec.json.decode(msgspec.json.encode(made), type=CrowdConfig) == made


def test_the_crowd_is_remembered_on_the_same_day_only(tmp_path: Path):
    file = tmp_path / "crowd.json"
    crowd = new_day("2026-11-23", [1])
    person = new_citizen(
        0, Arrival(timedelta(hours=9), "A", timedelta(minutes=3)), timedelta(hours=9), Random(1)
    )
    crowd.people[0] = person.at(Step.WAITING, timedelta(hours=9))
    keep(file, crowd)
    assert remembered(file, config(file)) == crowd
    assert remembered(file, config(file, "2026-11-24")).people == {}


def test_a_broken_memory_is_a_fresh_day(tmp_path: Path):
    file = tmp_path / "crowd.json"
    assert recall(file) is None
    file.write_text('{"date": 7')
    assert remembered(file, config(file)).people == {}


def test_the_day_is_over_when_all_went_home_and_no_window_shows_a_number():
    crowd = new_day("2026-11-23", [1])
    seen, busy = Seen(bars={1: "窗口未开"}), Seen(bars={1: "窗口未开", 8: "F003 正在办理"})
    assert not is_day_over(crowd, seen, CLOSES, CLOSES)
    crowd.staff[1] = crowd.staff[1].to(Mood.HOME, CLOSES)
    assert is_day_over(crowd, seen, CLOSES, CLOSES)
    assert not is_day_over(crowd, seen, CLOSES - timedelta(seconds=1), CLOSES)
    assert not is_day_over(crowd, busy, CLOSES, CLOSES)
    assert is_day_over(crowd, busy, CLOSES + AFTER_CLOSING, CLOSES)


def test_a_slip_is_read_when_it_is_cut():
    def slip(number: str, is_cut: bool) -> dict[str, object]:
        lines = [
            {"text": "示范政务服务大厅"},
            {"text": f" {number} "},
            {"qr": "x"},
            {"text": "窗口 Windows  1-4"},
        ]
        return {"lines": lines, "qr": "http://h/t/1", "is_cut": is_cut}

    device = {"printer": {"slips": [slip("A001", True), slip("A002", False), {"lines": [], "is_cut": True}]}}
    assert benches.slips(device) == [Slip("A001", "http://h/t/1")]


def test_a_keypad_is_read_as_digits():
    assert benches.keypad({"keypad": {"left": "  3", "right": "023", "is_asking": True}}) == Keypad(
        3, 23, True
    )
    assert benches.keypad({"keypad": {"left": "", "right": "   "}}) == Keypad()
    assert benches.keypad({}) == Keypad()
    assert benches.bar({"led": {"text": "暂停服务"}}) == "暂停服务"
