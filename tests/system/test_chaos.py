"""Nothing promised is lost and nothing is done twice while processes die under load; on each broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controller.brokers import KINDS
from tests.system.chaos.run import Plan, run

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


@pytest.mark.parametrize("broker", KINDS)
def test_nothing_promised_is_lost_while_processes_are_killed(broker: str, tmp_path: Path):
    outcome = run(tmp_path, Plan(seed="1", broker=broker, accidents=3, longest_s=15.0))
    print(outcome)
    outcome.check()
    assert outcome.done > 100
