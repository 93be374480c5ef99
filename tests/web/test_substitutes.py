"""A and B persons on the manager's pages (S0.33)."""

from __future__ import annotations

import pytest

from tests.store.halls import DAY
from tests.web.desk import Desk, words


@pytest.mark.both_engines
def test_leave_of_both_persons_is_told_before_the_hall_opens(desk: Desk) -> None:
    boss, page = desk.browser("boss"), "/m/hall/substitutes"
    boss.post(page, page=page, **{"first-A": "li", "second-A": "wang"})
    for clerk in ("li", "wang"):
        assert "都不在" not in words(boss.get("/m/hall/cycle"))
        boss.post("/m/hall/leaves", page=page, clerk=clerk, first=DAY.isoformat(), last=DAY.isoformat())
    assert "都不在" in words(boss.get("/m/hall/cycle"))
    assert "的 A、B 岗都不在" in words(boss.get(page))
    boss.post("/m/hall/leaves/1/take-back", page=page)
    assert "都不在" not in words(boss.get("/m/hall/cycle"))


def test_the_same_person_is_not_both(desk: Desk) -> None:
    boss, page = desk.browser("boss"), "/m/hall/substitutes"
    assert boss.post(page, page=page, **{"first-A": "li", "second-A": "li"}).status_code == 409
