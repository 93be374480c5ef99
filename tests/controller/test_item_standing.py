"""Lists, clean-ups and residency as sums: the figures a county publishes."""

from __future__ import annotations

from controller.item_standing import (
    Category,
    Kind,
    Matter,
    Residency,
    Standing,
    by_department,
    count,
    differences,
)


def standing(n: int, category: Category | None = None, residency: Residency | None = None) -> Standing:
    return Standing(f"事项 {n}", f"部门 {n % 28}", category=category, residency=residency)


def test_901_done_in_one_visit_are_705_powers_and_196_services() -> None:
    known = [standing(n, Category.POWER if n < 705 else Category.SERVICE) for n in range(901)]
    counted = count(known)
    assert (counted.total, counted.powers, counted.services, counted.unstated) == (901, 705, 196, 0)


def test_186_matters_are_87_in_the_hall_and_99_that_should_enter() -> None:
    known = [Matter(str(n), standing(n), n < 87, legal_days=20, promised_days=5) for n in range(186)]
    report = by_department(known)
    whole = report.whole
    assert (whole.total, whole.resident, whole.excepted, whole.should_enter) == (186, 87, 0, 99)
    assert f"{whole.rate:.1%}" == "46.8%"
    assert whole.compression == 0.75
    assert len(report.departments) == 28


def test_what_was_kept_beside_what_is_in_the_hall() -> None:
    kept = [standing(n, residency=Residency.RESIDENT if n < 256 else Residency.EXCEPTED) for n in range(272)]
    whole = by_department(Matter(str(n), one, False) for n, one in enumerate(kept)).whole
    assert (whole.total, whole.resident, whole.excepted, whole.should_enter) == (272, 256, 16, 0)
    assert f"{whole.rate:.1%}" == "94.1%"


def test_a_clean_up_of_192_matters_in_28_departments() -> None:
    before = {str(n): standing(n) for n in range(180)}
    after = {str(n): standing(n, Category.POWER if n < 10 else None) for n in range(8, 200)}
    found = differences(before, after, "x", is_whole=True)
    counts = {kind: sum(one.kind is kind for one in found) for kind in Kind}
    assert counts == {Kind.ADDED: 20, Kind.CHANGED: 2, Kind.REMOVED: 8}
    assert all(one.after.decision == "x" for one in found)
    part = differences(before, after, "x", is_whole=False)
    assert not any(one.kind is Kind.REMOVED for one in part)
