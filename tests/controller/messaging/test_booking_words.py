"""What is written to book by message is understood however it is written, and books once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from controller.booking import Message
from controller.hall.commands import ChangePlan
from controller.messaging.booking_words import read
from controller.messaging.carrier import Received
from controller.store import messages as rows
from tests.store.halls import PLAN
from tests.web.desk import open_desk

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("words", "matter", "day", "at"),
    [
        ("户口迁移", "户口迁移", None, None),
        ("户口迁移 3月5日 9:30", "户口迁移", date(2026, 3, 5), time(9, 30)),
        ("户口迁移，3月5号下午2点半", "户口迁移", date(2026, 3, 5), time(14, 30)),
        ("insurance 2026-03-06 2:15 pm", "insurance", date(2026, 3, 6), time(14, 15)),
        ("insurance 1-5", "insurance", date(2027, 1, 5), None),
        ("A 2月30日", "A", None, None),
    ],
)
def test_a_day_and_a_time_are_found_in_what_is_written(
    words: str, matter: str, day: date | None, at: time | None
) -> None:
    assert read("+8613812345678", words, TODAY) == Message("13812345678", matter, day, at)


def test_somebody_who_writes_books_once_and_who_writes_nonsense_is_told_how(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        bookable = tuple(replace(queue, slot_places=3) for queue in PLAN.queues)
        desk.give(ChangePlan(replace(PLAN, queues=bookable, rev=desk.live.hall.plan.rev)))
        office = desk.site.messages
        office.booked.step()
        for _ in range(2):
            office.take(Received("13812345678", "预约 企业 3月3日 10:00"))
        office.booked.step()
        assert len(desk.live.hall.bookings.known) == 1
        office.take(Received("13900000000", "预约 登月"))
        with desk.site.store.reading() as c:
            told = [office.desk.open(one.body) for one in rows.last(c, "hall", 5)]
    assert "已预约3月3日 10:00办理企业" in told[1]
    assert "例如：预约 户口迁移 3月5日 9:30" in told[0]
