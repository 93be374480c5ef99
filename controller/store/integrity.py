"""Is a database whole: does every hall's log lead, event by event, to what the rest of it says?

Reads all of it once, so it takes a while after years; what a start needs is checked by log.load.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select, text

from controller.hall.engine import new_hall
from controller.hall.model import Plan
from controller.store import log, projections, tallies
from controller.store.orders import FINAL
from controller.store.tables import answer, event, link, login_session, orders, person, position, ticket, unit

FINAL_STATES = [state.value for state in FINAL]


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and what is wrong with it, a sentence each."""

    halls: int = 0
    events: int = 0
    tickets: int = 0
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        halls = "1 hall" if self.halls == 1 else f"{self.halls} halls"
        return f"{halls}, {self.events} events, {self.tickets} tickets"

    def including(self, events: int, tickets: int, problems: list[str]) -> Report:
        return Report(
            self.halls + 1, self.events + events, self.tickets + tickets, (*self.problems, *problems)
        )


def examine(c: Connection) -> Report:
    """Replay every hall from its first event and compare. Raises StoreDamaged when it cannot be read."""
    report = Report(problems=(*_file_problems(c), *_loose_rows(c)))
    if not report.problems:
        for hall in log.halls(c):
            report = _with_hall(report, c, hall)
    return report


def _file_problems(c: Connection) -> list[str]:
    if c.dialect.name != "sqlite":
        return []  # PostgreSQL checks its pages itself, when they are read
    found = c.execute(text("PRAGMA integrity_check")).scalars()
    return [f"the file is damaged: {row}" for row in found if row != "ok"]


def _loose_rows(c: Connection) -> Iterator[str]:
    """Rows that speak of others that are not there."""
    placed = unit.outerjoin(position, (position.c.hall == unit.c.hall) & (position.c.id == unit.c.position))
    nowhere = (
        select(unit.c.id).select_from(placed).where(unit.c.position.is_not(None), position.c.id.is_(None))
    )
    for id in c.execute(nowhere).scalars():
        yield f"unit {id} stands at a position that does not exist"
    for table in (link, login_session):
        known = select(person.c.id)
        for id in c.execute(select(table.c.person).distinct().where(table.c.person.not_in(known))).scalars():
            yield f"a row of {table.name} is of {id}, whom nobody knows"


def _with_hall(report: Report, c: Connection, hall: str) -> Report:
    replayed, seq, tickets, differing = new_hall(hall, Plan()), 0, 0, list[int]()
    steps: list[tallies.Note] = []
    for walked in log.walk(c, hall):
        replayed, seq = walked.hall, walked.seq
        tickets += len(walked.rows)
        steps += walked.steps
        differing += projections.differing(c, hall, walked.rows)
    problems = []
    if seq != (events := _count(c, event, hall)):
        problems.append(f"hall {hall}: the log has {events} events and ends with number {seq}")
    if log.load(c, hall) != (replayed, seq):
        problems.append(f"hall {hall}: the snapshot does not agree with the log")
    if differing:
        problems.append(
            f"hall {hall}: {len(differing)} tickets do not agree with the log, the first is"
            f" {differing[0]}; run: servicehall store rebuild"
        )
    if days := tallies.differing(c, hall, steps):
        problems.append(
            f"hall {hall}: {len(days)} days do not agree with the log, the first is {days[0]};"
            " run: servicehall store rebuild"
        )
    if (listed := _count(c, ticket, hall)) > tickets:
        problems.append(f"hall {hall}: {listed - tickets} tickets are not in the log")
    marks = log.marks(c, hall)
    for press in replayed.presses:
        if press.seq > marks.get((press.unit, press.epoch), 0):
            problems.append(f"hall {hall}: press {press.seq} of {press.unit} has a ticket and no mark")
    return report.including(events, tickets, [*problems, *_odd_answers(c, hall, seq)])


def _odd_answers(c: Connection, hall: str, seq: int) -> Iterator[str]:
    beyond = select(func.count()).where(answer.c.hall == hall, answer.c.last_seq > seq)
    if found := c.execute(beyond).scalar_one():
        yield f"hall {hall}: {found} answers are about events that are not in the log"
    is_settled, is_final = (
        orders.c.settled_at.is_not(None),
        func.coalesce(orders.c.state, "").in_(FINAL_STATES),
    )
    odd = select(func.count()).where(orders.c.hall == hall, is_settled != is_final)
    if found := c.execute(odd).scalar_one():
        yield f"hall {hall}: {found} orders are settled without a final result, or not settled with one"


def _count(c: Connection, table: Table, hall: str) -> int:
    return int(c.execute(select(func.count()).where(table.c.hall == hall)).scalar_one())
