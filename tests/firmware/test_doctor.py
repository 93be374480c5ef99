"""`servicehall node doctor` tells who stands beside a unit what the web tells who does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller import i18n
from firmware import node as agent
from firmware.protocol.faults import FAULTS, SEVERITIES
from firmware.protocol.messages import Faulted, Recovered
from firmware.protocol.outbox import Outbox


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit's file, its store not made yet."""
    file = tmp_path / "unit.toml"
    file.write_text('hall = "hall"\nunit = "node-1"\nbroker = "mqtt://127.0.0.1"\ntoken = "x"\n')
    file.chmod(0o600)
    return file


def store(unit: Path, *reports: Faulted | Recovered) -> None:
    outbox = Outbox.open(unit.parent / "data" / "outbox.sqlite")
    for report in reports:
        outbox.append(report)
    outbox.close()


def doctor(unit: Path, capsys: pytest.CaptureFixture[str], lang: str = "zh") -> tuple[int, str]:
    code = agent.main(["doctor", "-c", str(unit), "--lang", lang])
    return code, capsys.readouterr().out


def test_a_unit_in_order_has_no_faults(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(unit)
    code, said = doctor(unit, capsys)
    assert code == 0
    assert "没有故障。" in said
    assert "没有运行" in said


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_says_of_a_fault_what_the_web_says(
    unit: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    store(
        unit,
        Faulted(device="led-1", code="led.gone", detail="unplugged"),
        Faulted(device="printer-1", code="printer.paper_out", severity="citizen", detail="DLE EOT 4 says 7e"),
        Faulted(device="button-1", code="input.stuck"),
        Recovered(device="button-1", code="input.stuck"),
    )
    code, said = doctor(unit, capsys, lang)
    assert code == 1
    for fault in ("printer.paper_out", "led.gone"):
        assert i18n.t(lang, f"fault.{fault}") in said
        assert i18n.t(lang, f"remedy.{fault}") in said
    assert said.index("printer-1") < said.index("led-1")
    assert "DLE EOT 4 says 7e" in said
    assert "button-1" not in said


def test_a_store_that_cannot_be_read_is_the_first_thing_it_says(
    unit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(unit)
    (unit.parent / "data" / "outbox.sqlite").write_bytes(b"rubbish" * 1000)
    code, said = doctor(unit, capsys)
    assert code == 1
    assert i18n.t("zh", "fault.node.store_failed") in said


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.main(["doctor", "-c", str(tmp_path / "unit.toml")]) == 2
    assert "unit.toml" in capsys.readouterr().err


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_every_fault_has_a_cause_and_a_next_action_in_both_languages(code: str) -> None:
    known = FAULTS[code]
    assert known.severity in SEVERITIES
    assert all((known.what.zh, known.what.en, known.remedy.zh, known.remedy.en))
    assert known.remedy.zh.endswith("。")
    assert known.remedy.en.endswith(".")
