"""A rating whatever it came by: kept once, late ones too, and the case of a bad one as rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from controller import ratings
from controller.hall import followups as f
from controller.hall.calendar import Calendar
from controller.hall.commands import CallNext, CloseDay, Finish, OpenDay, Start, TakeTicket, VoidRating
from controller.hall.model import Refused
from controller.hall.ratings import Channel, by_calendar
from controller.live import Live
from controller.people import SYSTEM, Actor, ActorKind, NotAllowed, Role
from controller.store import followups, integrity, log, projections, tallies
from controller.store import ratings as rows
from controller.store.audit import audit
from controller.store.seal import Seal
from tests.store.halls import DAY, MORNING, Time, morning, sqlite_url

AFTER = by_calendar(Calendar(), ZoneInfo("Asia/Shanghai"))
SUPERVISOR = Actor(ActorKind.PERSON, "sup", frozenset({Role.SUPERVISOR}))


@pytest.fixture
def time() -> Time:
    return Time()


@contextmanager
def two_served(url: str, time: Time) -> Iterator[Live]:
    """A001 and A002 were served at window 1 by Li."""
    with morning(url, time) as live:
        for token in ("one", "two"):
            live.submit(TakeTicket("A", token), SYSTEM)
            for command in (CallNext(1), Start(1), Finish(1)):
                live.submit(command, SYSTEM)
        yield live


@pytest.fixture
def live(tmp_path: Path, time: Time) -> Iterator[Live]:
    with two_served(sqlite_url(tmp_path), time) as live:
        yield live


def days_later(live: Live, time: Time, days: int) -> None:
    """The hall has forgotten the day's visits, and so many days later it is open again."""
    live.submit(CloseDay(), SYSTEM)
    time.pass_by(days=days)
    live.submit(OpenDay(DAY + timedelta(days=days), MORNING + timedelta(days=days, hours=8)), SYSTEM)


def rated(live: Live, ticket: int) -> tuple[int | None, rows.Rating | None]:
    """As the list of tickets has it, and as a row of its own."""
    with live.store.reading() as c:
        row = projections.find_ticket(c, live.id, ticket)
        assert row is not None
        return row.rating, rows.find(c, live.id, ticket)


def refused(live: Live, ticket: int, level: int, channel: Channel = Channel.PHONE) -> str:
    with pytest.raises(Refused) as error:
        ratings.rate(live, AFTER, ticket, level, channel)
    return error.value.code


def cases(live: Live) -> list[f.Case]:
    with live.store.reading() as c:
        return followups.listed(c, live.id, followups.Wanted(), 10)


def act(live: Live, deed: f.Deed, by: Actor = SYSTEM, part: f.Part = f.Part.UNIT, id: int = 1) -> None:
    trail = audit(by.id, "rating.step", live.id, MORNING)
    ratings.act(live, AFTER, id, deed, f.Handler(by.id, frozenset({part})), by, trail, None)


def test_one_visit_is_rated_once_whatever_the_channel(live: Live) -> None:
    """P.08: the first answer stays; none is no answer."""
    ratings.rate(live, AFTER, 1, 5, Channel.TABLET)
    assert refused(live, 1, 1) == refused(live, 1, 1, Channel.SMS) == "already_rated"
    level, row = rated(live, 1)
    assert row is not None
    assert (level, row.level, row.channel, row.clerk, row.window) == (5, 5, Channel.TABLET, "li", 1)
    assert rated(live, 2) == (None, None)
    assert cases(live) == []


def test_a_late_rating_counts_within_five_working_days(database: str, time: Time, tmp_path: Path) -> None:
    """P.10, Monday's visit: until Monday night; its day is summed up again, and the log agrees."""
    with two_served(database, time) as live:
        days_later(live, time, 7)
        ratings.rate(live, AFTER, 1, 2, Channel.PHONE)
        ratings.tell(live, AFTER, Seal(tmp_path), 1, ["wait"], "words", "13800138000")
        assert refused(live, 1, 5) == "already_rated"
        with live.store.writing() as c:
            made = tallies.of_day(c, live.id, DAY, MORNING, {})
            assert made is not None
            assert (made.queues["A"].rated_2, made.queues["A"].served) == (1, 2)
            assert integrity.examine(c).problems == ()
            assert [one.id for one in rows.reasons(c, live.id, DAY, DAY)] == ["wait"]
            assert rows.levels_by_day(c, live.id, DAY, DAY, "li") == {DAY: {2: 1}}
            assert rows.forget_contacts(c, MORNING + timedelta(days=9)) == 0
        assert [(case.number, case.clerk) for case in cases(live)] == [("A001", "li")]
        time.pass_by(days=1)
        assert refused(live, 2, 5) == "rating_too_late"


@pytest.mark.parametrize("days", [0, 3])
def test_a_rating_found_void_stays_on_record_and_leaves_the_scores(live: Live, time: Time, days: int) -> None:
    """G9, on the same day and days after; made again from the log it is the same."""
    ratings.rate(live, AFTER, 1, 1, Channel.DEVICE)
    if days:
        days_later(live, time, days)
    act(live, f.CheckFacts("the keypad was pressed by a child"))
    act(live, f.Appeal(f.Ground.MISTAKE, "see the log"))
    act(live, f.Uphold("so it was"), SUPERVISOR, f.Part.SUPERVISOR)
    level, row = rated(live, 1)
    assert row is not None
    assert (level, row.level, row.is_void) == (None, 1, True)
    assert refused(live, 1, 5) == "already_rated"
    assert cases(live)[0].stage is f.Stage.VOID
    with live.store.writing() as c:
        log.rebuild(c, live.id)
        assert integrity.examine(c).problems == ()
    assert rated(live, 1)[0] is None


def test_every_step_of_a_case_is_kept_with_who_took_it(live: Live) -> None:
    ratings.rate(live, AFTER, 1, 2, Channel.PAPER)
    act(live, f.CheckFacts("70 minutes by the log"))
    with pytest.raises(Refused, match="A001 is not at this step"):
        act(live, f.CheckFacts("again"))
    with live.store.reading() as c:
        steps = followups.steps(c, 1)
    assert [(one.what, one.stage, one.by) for one in steps] == [
        ("opened", f.Stage.OPEN, "system"),
        ("CheckFacts", f.Stage.VERIFIED, "system"),
    ]
    assert steps[1].said == {"text": "70 minutes by the log"}


def test_reasons_words_and_number_are_added_once_and_the_number_is_sealed(live: Live, tmp_path: Path) -> None:
    """A number makes the case a real-name one; a good rating is asked for none."""
    seal = Seal(tmp_path)
    for ticket, level in ((1, 2), (2, 4)):
        ratings.rate(live, AFTER, ticket, level, Channel.PHONE)
        ratings.tell(live, AFTER, seal, ticket, ["wait", "unknown"], "等了一小时", "138-0013 8000")
    with pytest.raises(Refused) as error:
        ratings.tell(live, AFTER, seal, 1, [], "more", "")
    assert error.value.code == "told_before"
    bad, good = rated(live, 1)[1], rated(live, 2)[1]
    assert bad is not None
    assert good is not None
    assert bad.contact is not None
    assert bad.reasons == (live.hall.plan.rating_reasons[0],)
    assert (bad.reasons[0].id, bad.words, seal.open(bad.contact)) == ("wait", "等了一小时", "13800138000")
    assert (good.reasons, good.contact) == ((), None)
    assert [case.is_named for case in cases(live)] == [True]


def test_an_answer_by_sms_is_a_level_with_words_behind_it(live: Live, tmp_path: Path) -> None:
    """S2.23"""
    assert ratings.answered(live, AFTER, Seal(tmp_path), 1, " 2,等太久 ", "13800138000") == 2
    row = rated(live, 1)[1]
    assert row is not None
    assert (row.channel, row.words, cases(live)[0].is_named) == (Channel.SMS, "等太久", True)
    for text in ("55", "好", ""):
        with pytest.raises(Refused):
            ratings.answered(live, AFTER, Seal(tmp_path), 2, text, "")


def test_staff_enter_paper_slips_and_no_other_rating(live: Live) -> None:
    """P.11, S0.23"""
    guide = Actor(ActorKind.PERSON, "guide", frozenset({Role.GUIDE}))
    clerk = Actor(ActorKind.PERSON, "li", frozenset({Role.CLERK}))
    for by, channel in ((guide, Channel.PHONE), (clerk, Channel.PAPER), (clerk, Channel.DEVICE)):
        with pytest.raises(NotAllowed):
            ratings.rate(live, AFTER, 1, 5, channel, by=by)
    ratings.rate(live, AFTER, 1, 5, Channel.PAPER, by=guide)
    with pytest.raises(NotAllowed):
        live.submit(VoidRating(1), guide)


def test_what_citizens_left_is_forgotten_in_time_or_at_once(live: Live, tmp_path: Path) -> None:
    """A number is kept while its case needs it; words and numbers go at the citizen's request."""
    for ticket in (1, 2):
        ratings.rate(live, AFTER, ticket, 1, Channel.PHONE)
        ratings.tell(live, AFTER, Seal(tmp_path), ticket, [], "words", "13800138000")
    later = MORNING + timedelta(days=1)
    with live.store.writing() as c:
        assert rows.forget_contacts(c, later) == 0
        rows.forget_visit(c, live.id, 1)
        assert rows.forget_words(c, later) == 1
    assert [rated(live, ticket)[1].words for ticket in (1, 2)] == ["", ""]  # type: ignore[union-attr]
    assert sorted(case.is_named for case in cases(live)) == [False, True]
