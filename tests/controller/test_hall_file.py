"""One file describes a hall."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from controller import hall_file
from controller.conduct import Kind
from controller.hall.model import Refused, Text
from controller.hall_file import BadHallFile, HallFile, Position
from controller.lock import lock
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.halls import small_plan

PLAN = small_plan()
PRINTER = DeviceConfig(device="printer-1", kind="printer", wire="serial:/dev/ttyUSB0?baud=9600")
DOOR = Position(
    id="door", name=Text("门口", "Door"), config=UnitConfig(rev=0, position="door", devices=[PRINTER])
)
HALL = HallFile(id="hall", plan=PLAN, positions=[DOOR])


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "controller.toml"
    file.write_text("")
    return str(file)


def run(config: str, *words: str) -> int:
    return hall_file.main(["-c", config, *words])


def given(tmp_path: Path, hall: HallFile) -> str:
    file = tmp_path / "hall.json"
    file.write_bytes(hall_file.encode(hall))
    return str(file)


def test_what_is_written_is_what_is_read() -> None:
    assert hall_file.decode(hall_file.encode(HALL)) == HALL


def test_a_hall_made_from_a_file_is_exported_as_it_was(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = Kind("noise", Text("大声喧哗", "Noise"), -1)
    assert run(config, "import", given(tmp_path, structs.replace(HALL, conduct_kinds=[noise]))) == 0
    assert run(config, "import", given(tmp_path, HALL)) == 0
    capsys.readouterr()
    assert run(config, "export", "hall") == 0
    found = hall_file.decode(capsys.readouterr().out.encode())
    assert replace(found.plan, rev=0) == replace(PLAN, rev=0)
    assert [position.id for position in found.positions] == ["door"]
    assert found.positions[0].config.devices == [PRINTER]
    assert [one for one in found.conduct_kinds or [] if one.is_used] == [noise]


def test_the_sample_needs_no_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "none.toml"), "sample") == 0
    assert hall_file.decode(capsys.readouterr().out.encode()).plan.queues


def test_the_sample_makes_a_hall(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "sample") == 0
    (tmp_path / "sample.json").write_text(capsys.readouterr().out)
    assert run(config, "import", str(tmp_path / "sample.json")) == 0
    assert "8 windows" in capsys.readouterr().out


def test_a_hall_is_changed_by_its_file(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, "import", given(tmp_path, HALL)) == 0
    renamed = HallFile(id="hall", plan=replace(PLAN, name=Text("新大厅", "New hall")), positions=[DOOR])
    assert run(config, "import", given(tmp_path, renamed)) == 0
    assert run(config, "export", "hall") == 0
    assert "新大厅" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "no hall file"),
        ('{"id": "hall"}', "plan"),
        ('{"id": "Hall 1", "plan": {}}', "cannot name a hall"),
        ('{"id": "hall", "plan": {}, "conduct_kinds": [{}]}', "$.conduct_kinds[0]"),
        ('{"id": "hall", "plan": {"rules": {"no_show_call": 2}}}', "$.plan.rules.no_show_call"),
        ('{"id": "hall", "plan": {"windows": [{"number": "one"}]}}', "$.plan.windows[0].number"),
    ],
)
def test_a_wrong_file_is_named_at_its_place(text: str, named: str) -> None:
    with pytest.raises(BadHallFile) as refused:
        hall_file.decode(text.encode())
    assert named in str(refused.value)


def test_a_plan_that_contradicts_itself_is_refused_before_anything_is_changed(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = json.loads(hall_file.encode(HALL))
    broken["plan"]["windows"][0]["serves"][0]["queue"] = "Z"
    with pytest.raises(Refused):
        hall_file.decode(json.dumps(broken).encode())
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    assert run(config, "import", str(tmp_path / "broken.json")) == 1
    assert run(config, "export", "hall") == 1
    assert "none yet" in capsys.readouterr().err


def test_a_running_controller_is_not_changed_behind_its_back(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    with lock(tmp_path / "data"):
        monkeypatch.setattr("controller.lock.PATIENCE_S", 0.1)
        assert run(config, "import", given(tmp_path, HALL)) == 1
    assert "in use by process" in capsys.readouterr().err


def test_a_missing_file_is_one_sentence(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "import", "nowhere.json") == 1
    assert "nowhere.json: No such file" in capsys.readouterr().err
