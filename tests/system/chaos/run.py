"""One run: a busy hall, accidents from a seed, then calm, and what the auditor finds."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.chaos import witness
from tests.system.chaos.accidents import Accident, What, schedule
from tests.system.chaos.auditor import Evidence, Wrong, audit
from tests.system.chaos.clients import Client, Console, Kiosk, Phone
from tests.system.chaos.harm import Harm
from tests.system.chaos.light import LightHall
from tests.system.chaos.machines import WallClock
from tests.system.chaos.promises import Ledger
from tests.system.chaos.site import UNITS, Conditions, Site, staff
from tests.waiting import until

AT_CONSOLES = (4, 7, 8)  # windows whose clerks work in the browser; the others push keys
KIOSKS, PHONES = 3, 2
WORK = ("TicketIssued", "TicketCalled")  # what counts as done
HEARD_OUT_S = 120.0  # after the last accident, until every unit was heard; a stuck broker costs 45 of them
BOARDS_S = 30.0  # after that, until every board shows what the hall is
ENDS_S = 30.0
SHOWN = 5  # findings of a kind


def possible() -> list[What]:
    """The kinds of accidents that can be brought about here; says what it takes for the others."""
    kinds = [kind for kind in What if kind is not What.JUMP or WallClock.is_possible()]
    if What.JUMP not in kinds:
        print("no clocks jump: that takes a C compiler, cc, to build one that can be set")
    return kinds


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is. work: tickets and calls after which it is over; longest_s: or when so long has passed.

    pace_s: mean seconds between two pushes at the dispenser; pause_s: between two acts of an HTTP client.
    """

    seed: str
    broker: str
    accidents: int
    kinds: Collection[What] = (What.KILL,)
    work: int = 1_000_000
    longest_s: float = 30.0
    pace_s: float = 0.5
    pause_s: float = 0.0

    def schedule(self) -> list[Accident]:
        return schedule(self.seed, self.accidents, UNITS, self.kinds)


@dataclass(slots=True)
class Outcome:
    """What came of it. boards_s: from the last accident until every board was right; None: never."""

    plan: Plan
    folder: Path
    told: Sequence[str]
    done: int
    busy_s: float
    boards_s: float | None
    evidence: Evidence
    wrongs: list[Wrong] = field(default_factory=list)

    def __str__(self) -> str:
        promised = len(self.evidence.promises)
        boards = "never right" if self.boards_s is None else f"right after {self.boards_s:.1f} s"
        return (
            f"{self.plan.broker}: {self.done} tickets and calls in {self.busy_s:.0f} s, {promised} promises, "
            f"{len(self.told)} accidents, boards {boards}, {len(self.wrongs)} wrong"
        )

    def check(self) -> None:
        """AssertionError that names seed, accidents, findings and logs when anything is wrong."""
        lines = [f"SEED={self.plan.seed} {self}", "accidents:", *(f"  {one}" for one in self.told)]
        for kind, times in Counter(wrong.kind for wrong in self.wrongs).items():
            examples = [f"  {wrong}" for wrong in self.wrongs if wrong.kind is kind]
            lines += [f"{times} x {kind}", *examples[:SHOWN]]
        assert not self.wrongs, "\n".join([*lines, f"logs: {self.folder}"])


def run(folder: Path, plan: Plan, kind: type[Site] = LightHall) -> Outcome:
    """The whole run in a folder of its own. kind: of hall."""
    with site(folder, plan, kind) as hall:
        with crowd(hall, plan) as (ledger, clients, calm):
            harm, began = Harm(hall), time.monotonic()
            endure(hall, harm, plan)
            done, busy_s = hall.count(*WORK), time.monotonic() - began
            settle(hall, harm, clients, calm)
        boards_s, (does, should) = boards_right(hall, harm)
        hall.stop()
        evidence = witness.evidence(hall, ledger.all(), does, should)
    return Outcome(plan, folder, harm.told, done, busy_s, boards_s, evidence, audit(evidence))


@contextmanager
def site(folder: Path, plan: Plan, kind: type[Site]) -> Iterator[Site]:
    """A started hall, stopped at the end. Its cables hang in a folder of their own, whose path is short."""
    run_dir = Path(tempfile.mkdtemp(prefix="sh-"))
    hall = kind(folder, run_dir, Conditions(plan.broker, plan.pace_s, plan.kinds))
    try:
        hall.start()
        yield hall
    finally:
        hall.stop()
        shutil.rmtree(run_dir, ignore_errors=True)


@contextmanager
def crowd(hall: Site, plan: Plan) -> Iterator[tuple[Ledger, Sequence[Client], threading.Event]]:
    """Eight HTTP clients, at work; at the end they go home."""
    ledger, calm, stop = Ledger(), threading.Event(), threading.Event()

    facts = (hall.url, plan.seed, ledger, calm, stop, plan.pause_s)
    clients: list[Client] = [Kiosk(f"kiosk-{n}", *facts) for n in range(KIOSKS)]
    clients += [Phone(f"phone-{share}", *facts, share=share) for share in range(PHONES)]
    for window, person in staff().items():
        clerk = Console(f"console-{window}", *facts, window=window)
        clerk.sit_down(hall.sign_in_link(person.id))
        if window in AT_CONSOLES:
            clients.append(clerk)
        else:
            clerk.machine.close()
    for client in clients:
        client.start()
    try:
        yield ledger, clients, calm
    finally:
        calm.set()
        stop.set()
        ended = [client.join(ENDS_S) for client in clients]
    assert all(ended), "a client does not end"
    assert [client.error for client in clients if client.error is not None] == []


def endure(hall: Site, harm: Harm, plan: Plan) -> None:
    """Let the accidents happen at their parts of the run, until it is over."""
    coming = plan.schedule()
    pause, began = threading.Event(), time.monotonic()
    while (part := _part(hall, plan, began)) < 1.0:
        while coming and coming[0].at <= part:
            harm.befall(coming.pop(0))
        harm.turn()
        pause.wait(0.1)
    for accident in coming:
        harm.befall(accident)
        harm.turn()


def _part(hall: Site, plan: Plan, began: float) -> float:
    return max(hall.count(*WORK) / plan.work, (time.monotonic() - began) / plan.longest_s)


def settle(hall: Site, harm: Harm, clients: Sequence[Client], calm: threading.Event) -> None:
    """No more accidents and nothing new; what is under way is finished and every unit is heard out."""
    harm.end_all()
    calm.set()
    hall.calm()
    _until_kept_running(harm, lambda: all(client.join(0) for client in clients), "every client is answered")
    _until_kept_running(harm, lambda: not any(hall.untold().values()), "every unit is heard out")


def boards_right(hall: Site, harm: Harm) -> tuple[float | None, tuple[witness.Shown, witness.Shown]]:
    """Seconds from the last accident until every unit showed what the hall is (None: not in time), and what
    was compared then: a moment later an estimate may be another."""
    seen: tuple[witness.Shown, witness.Shown] | None = None

    def look() -> bool:
        nonlocal seen
        seen = witness.faces(hall) or seen
        return seen is not None and witness.is_right(*seen)

    try:
        until(look, BOARDS_S, every=0.3)
        took_s = time.monotonic() - harm.last_at
    except AssertionError:
        took_s = None
    return took_s, seen or (witness.shown(hall), witness.wanted(hall))


def _until_kept_running(harm: Harm, is_so: Callable[[], bool], what: str) -> None:
    """Wait, while what died is started again. What never comes true is for the auditor to find."""

    def turn() -> bool:
        harm.turn()
        return is_so()

    try:
        until(turn, HEARD_OUT_S, every=0.2, what=what)
    except AssertionError as never:
        harm.told.append(str(never))
