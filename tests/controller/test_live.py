"""One writer: what is asked at once shares a commit, happens once, or did not happen at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, insert, text, update
from sqlalchemy.exc import IntegrityError

from controller.hall.commands import (
    CallNext,
    Command,
    Finish,
    LoseWindow,
    NoShow,
    RestoreWindow,
    Start,
    TakeTicket,
    Tick,
)
from controller.hall.events import TicketCalled, TicketIssued
from controller.hall.model import Hall, Press, Refused, WindowState
from controller.live import Answer, Committed, Excused, Heard, Live, NotRunning, Touches
from controller.people import CITIZEN, SYSTEM, NotAllowed, unit_actor
from controller.store import StoreFailed, log, orders
from controller.store import tables as t
from controller.store.records import get_meta, put_meta
from firmware.protocol.messages import ResultState
from tests.store.halls import MORNING, Time, count, morning, open_store, running, slip
from tests.waiting import until

NODE = unit_actor("node-1")


def take(token: str, queue: str = "A") -> TakeTicket:
    return TakeTicket(queue, token)


def press(seq: int) -> TakeTicket:
    return TakeTicket("A", f"token-{seq}", press=Press("node-1", "e1", seq))


def number(answer: Answer) -> str:
    issued = answer.events[0]
    assert isinstance(issued, TicketIssued)
    return issued.number


class Gate:
    """Holds the writer inside a commit of its own until opened, so that what is posted queues up."""

    def __init__(self, live: Live) -> None:
        self._go = threading.Event()
        self._inside = threading.Event()
        live.post(None, SYSTEM, records=[self._wait])
        assert self._inside.wait(10)

    def _wait(self, _c: Connection) -> None:
        self._inside.set()
        assert self._go.wait(20)

    def open(self) -> None:
        self._go.set()


def commits(live: Live) -> Callable[[], int]:
    """How many transactions have been committed from now on."""
    seen: list[int] = []
    event.listen(live.store.writer, "commit", lambda _c: seen.append(1))
    return lambda: len(seen)


def full_disk(live: Live) -> None:
    """Nothing can be stored; on PostgreSQL as on a server that has become a standby."""
    with live.store.writing() as c:
        if c.dialect.name == "postgresql":
            c.execute(text("SET default_transaction_read_only = on"))
            return
        pages = c.execute(text("PRAGMA page_count")).scalar_one()
        c.execute(text(f"PRAGMA max_page_count={pages}"))


def space_again(live: Live) -> None:
    with live.store.writing() as c:
        if c.dialect.name == "postgresql":
            c.execute(text("SET default_transaction_read_only = off"))
            return
        c.execute(text("PRAGMA max_page_count=1000000"))


# --- deciding and storing ---------------------------------------------------------------------------


def test_a_ticket_is_stored_with_who_asked_before_it_is_answered(database: str) -> None:
    with morning(database) as live:
        answer = live.submit(take("t1"), CITIZEN)
        with live.store.reading() as c:
            last = list(log.events(c, "hall"))[-1]
        assert number(answer) == "A001"
        assert (last.event, last.actor_kind, last.seq) == (answer.events[0], "citizen", live.seq)
        assert live.hall.tickets[1].number == "A001"


def test_what_queues_up_shares_one_commit(database: str) -> None:
    with morning(database) as live:
        counted, gate = commits(live), Gate(live)
        asked = [live.post(take(f"t{n}"), CITIZEN) for n in range(100)]
        gate.open()
        numbers = [number(one.result(10)) for one in asked]
        assert numbers == [f"A{n:03d}" for n in range(1, 101)]
        assert counted() == 2  # the gate's own and one for all hundred


def test_a_batch_is_bounded(database: str) -> None:
    with morning(database) as live:
        counted, gate = commits(live), Gate(live)
        asked = [live.post(take(f"t{n}"), CITIZEN) for n in range(600)]
        gate.open()
        assert len({number(one.result(20)) for one in asked}) == 600
        assert counted() in range(4, 9)  # the first, three batches, and what time may have brought meanwhile


def test_each_is_decided_on_what_those_before_it_changed(database: str) -> None:
    with morning(database) as live:
        gate = Gate(live)
        posts: list[Command] = [take("t1"), CallNext(1), Start(1), Finish(1), CallNext(1)]
        asked = [live.post(command, SYSTEM) for command in posts]
        gate.open()
        assert isinstance(asked[1].result(10).events[0], TicketCalled)
        with pytest.raises(Refused):
            asked[4].result(10)  # nobody waits any more


def test_a_tick_that_decides_nothing_costs_no_commit(database: str) -> None:
    with morning(database) as live:
        counted = commits(live)
        assert live.submit(Tick(), SYSTEM).events == ()
        assert counted() == 0


def test_a_refused_command_stores_nothing(database: str) -> None:
    with morning(database) as live:
        counted = commits(live)
        with pytest.raises(Refused):
            live.submit(take("t1", queue="X"), CITIZEN)
        assert counted() == 0


def test_who_may_not_is_refused_by_the_writer(database: str) -> None:
    with morning(database) as live, pytest.raises(NotAllowed):
        live.submit(CallNext(1), CITIZEN)


def test_orders_are_stored_with_the_events_they_follow_from(database: str) -> None:
    with morning(database) as live:
        live.submit(press(1), NODE, heard=Heard("node-1", "e1", 1))
        with live.store.reading() as c:
            assert [(one.cid, one.unit) for one in orders.pending(c, "hall")] == [("slip-1", "node-1")]


def test_a_clock_set_back_a_little_does_not_turn_the_hall_back(database: str) -> None:
    time = Time()
    with morning(database, time) as live:
        time.pass_by(seconds=30)
        first = live.submit(take("t1"), CITIZEN).events[0]
        time.pass_by(seconds=-20)
        second = live.submit(take("t2"), CITIZEN).events[0]
        assert second.at == first.at == MORNING + timedelta(seconds=30)


# --- everything may arrive twice, nothing may happen twice --------------------------------------------


def test_a_message_heard_before_does_nothing(database: str) -> None:
    with morning(database) as live:
        first = live.submit(press(7), NODE, heard=Heard("node-1", "e1", 7))
        again = live.submit(press(7), NODE, heard=Heard("node-1", "e1", 7))
        older = live.submit(press(5), NODE, heard=Heard("node-1", "e1", 5))
        assert (first.repeated, again.repeated, older.repeated) == (False, True, True)
        assert len(live.hall.tickets) == 1
        assert live.heard_up_to("node-1", "e1") == 7


def test_a_message_twice_in_one_batch_is_heard_once(database: str) -> None:
    with morning(database) as live:
        gate = Gate(live)
        asked = [live.post(press(1), NODE, heard=Heard("node-1", "e1", 1)) for _ in range(3)]
        gate.open()
        assert [one.result(10).repeated for one in asked] == [False, True, True]
        assert len(live.hall.tickets) == 1


def test_another_life_of_the_units_store_counts_from_its_own_first_message(database: str) -> None:
    with morning(database) as live:
        live.submit(press(7), NODE, heard=Heard("node-1", "e1", 7))
        assert not live.submit(None, NODE, heard=Heard("node-1", "e2", 1)).repeated


def test_a_refused_message_is_heard_in_the_batch_of_its_neighbours(database: str) -> None:
    with morning(database) as live:
        counted, gate = commits(live), Gate(live)
        refused = live.post(take("t1", queue="X"), NODE, heard=Heard("node-1", "e1", 1))
        taken = live.post(press(2), NODE, heard=Heard("node-1", "e1", 2))
        gate.open()
        with pytest.raises(Refused):
            refused.result(10)
        assert number(taken.result(10)) == "A001"
        assert live.heard_up_to("node-1", "e1") == 2
        assert counted() == 2


def test_a_refusal_can_send_orders_of_its_own(database: str) -> None:
    with morning(database) as live:
        refused = live.post(
            take("t1", queue="X"),
            NODE,
            heard=Heard("node-1", "e1", 1),
            on_refused=lambda why, hall, now: Excused([slip(hall, "node-1", f"sorry-{why.code}", now)]),
        )
        with pytest.raises(Refused):
            refused.result(10)
        with live.store.reading() as c:
            assert [one.cid for one in orders.pending(c, "hall")] == ["sorry-unknown_queue"]


def test_what_keeps_a_refused_message_is_stored_with_its_mark(database: str) -> None:
    """Acked once heard: a crash just after the commit must find the row there."""
    with morning(database) as live:
        counted = commits(live)
        refused = live.post(
            take("t1", queue="X"),
            NODE,
            heard=Heard("node-1", "e1", 1),
            on_refused=lambda why, hall, now: Excused(records=[lambda c: put_meta(c, "kept", why.code)]),
        )
        with pytest.raises(Refused):
            refused.result(10)
        with live.store.reading() as c:
            assert (get_meta(c, "kept"), log.marks(c, "hall")) == ("unknown_queue", {("node-1", "e1"): 1})
        assert counted() == 1


def test_a_retried_key_gives_the_same_ticket(database: str) -> None:
    with morning(database) as live:
        first = live.submit(take("t1"), CITIZEN, key="k1")
        again = live.submit(take("t2"), CITIZEN, key="k1")
        assert again.events == first.events
        assert (first.repeated, again.repeated) == (False, True)
        assert len(live.hall.tickets) == 1


def test_a_key_twice_in_one_batch_gives_the_same_ticket(database: str) -> None:
    with morning(database) as live:
        gate = Gate(live)
        asked = [live.post(take(f"t{n}"), CITIZEN, key="k1") for n in range(3)]
        gate.open()
        assert [number(one.result(10)) for one in asked] == ["A001"] * 3
        assert len(live.hall.tickets) == 1


def test_a_key_is_remembered_after_a_restart(database: str) -> None:
    with morning(database) as live:
        first = live.submit(take("t1"), CITIZEN, key="k1")
    store = open_store(database)
    with running(store) as live:
        assert live.submit(take("t2"), CITIZEN, key="k1").events == first.events
    store.close()


def test_a_refused_key_may_be_tried_again(database: str) -> None:
    with morning(database) as live:
        with pytest.raises(Refused):
            live.submit(CallNext(1), SYSTEM, key="k1")
        live.submit(take("t1"), CITIZEN)
        assert not live.submit(CallNext(1), SYSTEM, key="k1").repeated


# --- what else belongs to the same transaction -----------------------------------------------------------


def test_records_are_stored_with_what_was_decided(database: str) -> None:
    with morning(database) as live:
        live.submit(take("t1"), CITIZEN, records=[lambda c: put_meta(c, "colour", "red")])
        assert count(live.store, t.meta, t.meta.c.name == "colour") == 1


def test_a_record_that_fails_undoes_its_own_submission_alone(database: str) -> None:
    def fails(c: Connection) -> None:
        put_meta(c, "colour", "red")
        raise ZeroDivisionError

    with morning(database) as live:
        counted, gate = commits(live), Gate(live)
        before = live.post(take("t1"), CITIZEN)
        failing = live.post(take("t2"), CITIZEN, key="k2", records=[fails])
        after = live.post(take("t3"), CITIZEN, records=[lambda c: put_meta(c, "shape", "round")])
        gate.open()
        assert [number(before.result(10)), number(after.result(10))] == ["A001", "A002"]
        with pytest.raises(ZeroDivisionError):
            failing.result(10)
        assert count(live.store, t.meta, t.meta.c.name == "colour") == 0
        assert count(live.store, t.meta, t.meta.c.name == "shape") == 1
        assert counted() == 2
        assert number(live.submit(take("t2"), CITIZEN, key="k2")) == "A003"


def test_a_record_that_breaks_a_constraint_fails_alone(database: str) -> None:
    def twice(c: Connection) -> None:
        for _ in range(2):
            c.execute(insert(t.meta).values(name="once", value=""))

    with morning(database) as live:
        gate = Gate(live)
        failing = live.post(take("t1"), CITIZEN, records=[twice])
        after = live.post(take("t2"), CITIZEN)
        gate.open()
        with pytest.raises(IntegrityError):
            failing.result(10)
        assert number(after.result(10)) == "A001"


def test_an_order_that_exists_already_fails_alone(database: str) -> None:
    with morning(database) as live:
        twin = slip(live.hall, "node-1", "twin", MORNING)
        live.submit(None, SYSTEM, orders=[twin])
        gate = Gate(live)
        failing = live.post(take("t1"), CITIZEN, orders=[twin])
        after = live.post(take("t2"), CITIZEN)
        gate.open()
        with pytest.raises(StoreFailed):
            failing.result(10)
        assert number(after.result(10)) == "A001"


def test_a_mistake_in_telling_of_a_refusal_fails_alone(database: str) -> None:
    with morning(database) as live:
        failing = live.post(take("t1", queue="X"), NODE, on_refused=lambda why, hall, now: [1 / 0])  # type: ignore[list-item]
        with pytest.raises(ZeroDivisionError):
            failing.result(10)
        assert number(live.submit(take("t2"), CITIZEN)) == "A001"


def test_results_settle_orders_of_their_own_unit_for_good(database: str) -> None:
    with morning(database) as live:
        live.submit(press(1), NODE)
        other = unit_actor("node-2")
        live.submit(None, other, settle=[("slip-1", ResultState.DONE, "")])
        assert pending(live) == ["slip-1"]
        live.submit(None, NODE, settle=[("slip-1", ResultState.RECEIVED, "")])
        assert pending(live) == ["slip-1"]
        live.submit(None, NODE, settle=[("slip-1", ResultState.DONE, "")])
        live.submit(None, NODE, settle=[("slip-1", ResultState.EXPIRED, "late")])
        assert pending(live) == []
        assert count(live.store, t.orders, t.orders.c.state == "done") == 1


def test_results_are_kept_although_their_command_is_refused(database: str) -> None:
    with morning(database) as live:
        live.submit(press(1), NODE)
        with pytest.raises(Refused):
            live.submit(NoShow(1), NODE, settle=[("slip-1", ResultState.DONE, "")])
        assert pending(live) == []


def pending(live: Live) -> list[str]:
    with live.store.reading() as c:
        return [one.cid for one in orders.pending(c, "hall")]


# --- when it cannot be stored ----------------------------------------------------------------------------


def test_on_a_full_disk_nothing_happens_and_everybody_is_told(database: str) -> None:
    with morning(database) as live:
        seen: list[Committed] = []
        live.subscribe(seen.append)
        hall, seq = live.hall, live.seq
        full_disk(live)
        gate = Gate(live)
        asked = [live.post(take("x" * 60, "A"), CITIZEN, key=f"k{n}") for n in range(200)]
        gate.open()
        for one in asked:
            with pytest.raises(StoreFailed, match=r"full|read-only"):
                one.result(10)
        assert (live.hall, live.seq, seen) == (hall, seq, [])
        space_again(live)
        assert number(live.submit(take("t1"), CITIZEN, key="k0")) == "A001"
        assert replays_equal(live)


def bulky(c: Connection) -> None:
    put_meta(c, "bulk", "x" * 1_000_000)


def test_on_a_full_disk_a_record_fails_the_whole_batch(database: str) -> None:
    with morning(database) as live:
        full_disk(live)
        gate = Gate(live)
        asked = [live.post(take("t1"), CITIZEN), live.post(take("t2"), CITIZEN, records=[bulky])]
        gate.open()
        for one in asked:
            with pytest.raises(StoreFailed, match=r"full|read-only"):
                one.result(10)
        space_again(live)
        assert number(live.submit(take("t1"), CITIZEN)) == "A001"


def test_what_a_lost_server_had_stored_after_all_is_known_before_the_next_decision(database: str) -> None:
    with morning(database) as live:
        full_disk(live)
        with pytest.raises(StoreFailed):
            live.submit(take("t1"), CITIZEN, key="k1", records=[bulky])
        with closing(open_store(database)) as server, running(server) as other:  # stands for that commit
            stored = number(other.submit(take("t1"), CITIZEN, key="k1"))
        space_again(live)
        assert number(live.submit(take("t1"), CITIZEN, key="k1")) == stored == "A001"
        assert number(live.submit(take("t2"), CITIZEN, key="k2")) == "A002"
        assert replays_equal(live)


def test_a_subscriber_that_fails_stops_nobody(database: str, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_committed: Committed) -> None:
        raise ZeroDivisionError

    with morning(database) as live:
        seen: list[Committed] = []
        live.subscribe(fails)
        live.subscribe(seen.append)
        live.submit(take("t1"), CITIZEN)
        until(lambda: seen, what="the second subscriber is told")
        assert number(live.submit(take("t2"), CITIZEN)) == "A002"
    assert "a subscriber failed" in caplog.text


# --- telling -----------------------------------------------------------------------------------------------


def test_subscribers_hear_of_each_commit_in_order_until_they_end_it(database: str) -> None:
    with morning(database) as live:
        seen: list[Committed] = []
        unsubscribe = live.subscribe(seen.append)
        gate = Gate(live)
        asked = [live.post(press(n), NODE) for n in (1, 2)]
        gate.open()
        hall: Hall = asked[1].result(10).hall
        until(lambda: seen, what="a commit is told")
        unsubscribe()
        live.submit(take("t9"), CITIZEN)
        assert len(seen) == 1
        assert [one.cid for one in seen[0].orders] == ["slip-1", "slip-2"]
        assert [event.ticket for event in seen[0].events if isinstance(event, TicketIssued)] == [1, 2]
        assert seen[0].hall == hall
        assert seen[0].told[0][0] == seen[0].events[0]


def test_a_subscriber_may_post_but_not_wait(database: str) -> None:
    with morning(database) as live:
        done: list[Future[Answer] | Exception] = []

        def answer(_committed: Committed) -> None:
            if not done:
                done.append(live.post(Tick(), SYSTEM))
                try:
                    live.submit(Tick(), SYSTEM)
                except RuntimeError as error:
                    done.append(error)

        live.subscribe(answer)
        live.submit(take("t1"), CITIZEN)
        until(lambda: len(done) == 2, what="the subscriber has posted")
        assert isinstance(done[1], RuntimeError)


# --- starting and stopping -----------------------------------------------------------------------------


def replays_equal(live: Live) -> bool:
    with live.store.reading() as c:
        return log.replay(c, "hall") == log.load(c, "hall") == (live.hall, live.seq)


def test_a_reopened_hall_is_the_one_that_was_closed(database: str) -> None:
    with morning(database, snapshot_every=3) as live:
        for n in range(20):
            live.submit(take(f"t{n}"), CITIZEN)
        for command in (CallNext(1), Start(1), Finish(1), CallNext(1)):
            live.submit(command, SYSTEM)
            live.keep_snapshot()
        live.submit(Start(1), SYSTEM)
        hall, seq = live.hall, live.seq
        assert replays_equal(live)
    store = open_store(database)
    with running(store) as live:
        assert (live.hall, live.seq) == (hall, seq)
        assert count(store, t.snapshot) == log.KEEP_SNAPSHOTS
        assert number(live.submit(take("t20"), CITIZEN)) == "A021"
    store.close()


def test_a_damaged_snapshot_is_done_without(database: str) -> None:
    with morning(database) as live:
        live.keep_snapshot()
        live.submit(take("t1"), CITIZEN)
        hall = live.hall
    store = open_store(database)
    with store.writing() as c:
        c.execute(update(t.snapshot).values(body=b"\x00"))
    with running(store) as live:
        assert live.hall == hall
    store.close()


def test_snapshots_are_kept_as_the_log_grows(database: str) -> None:
    with morning(database, tick_every=timedelta(milliseconds=20), snapshot_every=10) as live:
        for n in range(12):
            live.submit(take(f"t{n}"), CITIZEN)
        until(lambda: count(live.store, t.snapshot), what="a snapshot is kept")
        assert replays_equal(live)


def test_stopping_first_decides_what_is_queued(database: str) -> None:
    with morning(database) as live:
        gate = Gate(live)
        asked = [live.post(take(f"t{n}"), CITIZEN) for n in range(10)]
        stopping = threading.Thread(target=live.stop)
        stopping.start()
        gate.open()
        stopping.join(20)
        assert len({number(one.result(0)) for one in asked}) == 10
        with pytest.raises(NotRunning):
            live.post(take("late"), CITIZEN)


def test_a_hall_not_started_takes_nothing(database: str) -> None:
    with morning(database) as live:
        unstarted = Live("other", live.store, live.clock, live.render)
        with pytest.raises(NotRunning):
            unstarted.post(Tick(), SYSTEM)


# --- time and windows -------------------------------------------------------------------------------------


def test_time_passes_by_itself(database: str) -> None:
    time = Time()
    with morning(database, time, tick_every=timedelta(milliseconds=20)) as live:
        live.submit(take("t1"), CITIZEN)
        live.submit(CallNext(1), SYSTEM)
        time.pass_by(seconds=25)
        until(lambda: live.hall.tickets[1].calls == 2, what="the call is repeated (P.48)")


def test_a_silent_window_is_lost_and_comes_back_when_it_is_heard(database: str) -> None:
    with morning(database, tick_every=timedelta(milliseconds=20), lost_after_s=0.3) as live:
        until(lambda: live.hall.sessions[1].state is WindowState.OFFLINE, what="window 1 is lost (W7)")

        def is_back() -> bool:
            live.touch(1)
            return live.hall.sessions[1].state is WindowState.OPEN

        until(is_back, what="window 1 is restored (W8)")
        assert live.hall.sessions[2].state is WindowState.CLOSED


def test_a_window_is_lost_only_after_silence_and_found_only_by_being_heard(database: str) -> None:
    touches = Touches(lost_after_s=30)
    with morning(database) as live:
        staffed = live.hall
        lost = live.submit(LoseWindow(1), SYSTEM).hall
    assert touches.lost_and_found(staffed, now_s=0) == []  # just logged in: that is being heard
    touches.touch(1, now_s=20)
    assert touches.lost_and_found(staffed, now_s=49.9) == []
    assert touches.lost_and_found(staffed, now_s=50) == [LoseWindow(1)]
    assert touches.lost_and_found(lost, now_s=51) == []
    touches.touch(1, now_s=60)
    assert touches.lost_and_found(lost, now_s=61) == [RestoreWindow(1)]


def test_a_window_lost_is_not_found_by_being_looked_at_before_that_is_committed(database: str) -> None:
    touches = Touches(lost_after_s=30)
    with morning(database) as live:
        staffed = live.hall
        lost = live.submit(LoseWindow(1), SYSTEM).hall
    touches.lost_and_found(staffed, now_s=0)
    assert touches.lost_and_found(staffed, now_s=30) == [LoseWindow(1)]
    assert touches.lost_and_found(staffed, now_s=31) == [LoseWindow(1)]  # the disk is slow
    assert touches.lost_and_found(lost, now_s=32) == []


def test_a_window_found_lost_at_the_start_stays_so_until_it_is_heard(database: str) -> None:
    with morning(database) as live:
        lost = live.submit(LoseWindow(1), SYSTEM).hall
    assert Touches(lost_after_s=30).lost_and_found(lost, now_s=1) == []
