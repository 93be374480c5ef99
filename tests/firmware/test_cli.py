"""The servicehall command."""

from __future__ import annotations

import pytest

from firmware import cli


def test_it_lists_every_command_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in ("node", "bench", "serve", "unit", "person", "store", "demo"):
        line = next(row for row in listed.splitlines() if row.strip().startswith(name))
        assert len(line.split(maxsplit=1)[1]) > 10


def test_an_unknown_command_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sreve"]) == 2
    assert "serve" in capsys.readouterr().err
