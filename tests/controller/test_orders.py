"""What devices are ordered to do, and who keeps which numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from controller.devices import Book
from controller.hall import commands as c
from controller.hall.model import Hall, Press, Refused, Text
from controller.leases import AboutNumbers, Leases, offered
from controller.orders import Renderer, spoken
from controller.settings import Settings
from controller.store.devices import Position, Unit
from controller.store.orders import PendingOrder
from firmware.protocol import messages
from firmware.protocol.codec import decode
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.controller.sites import desk, dispenser
from tests.halls import Told, go, small, told

NOW = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)


def book(**units: UnitConfig) -> Book:
    placed = {name: Unit(name, "hall", name, "", NOW) for name in units}
    positions = {
        ("hall", name): Position("hall", name, Text(name, name), found) for name, found in units.items()
    }
    return Book(1, placed, positions)


HALL_BOOK = book(door=dispenser("A", "B"), desk=desk(1, 2))


def renderer(found: Book = HALL_BOOK, **more: object) -> Renderer:
    return Renderer("hall", replace(Settings(), **more), 3, lambda: found)  # type: ignore[arg-type]


def rendered(state: Told, *steps: c.Command, by: Renderer | None = None) -> list[PendingOrder]:
    """The orders of the last step."""
    state = go(state, *steps[:-1])
    after = go(replace(state, events=(), effects=()), steps[-1])
    pairs = [(after.events[0], list(after.effects))]
    return (by or renderer()).render(after.hall, pairs, after.now)


def test_a_unit_without_a_printer_hears_the_number_too() -> None:
    """Or it would number the press itself."""
    without = renderer(book(screen=UnitConfig(rev=1, position="screen", devices=[])))
    (order,) = rendered(small(), c.TakeTicket("A", "token", press=Press("screen", "e1", 7)), by=without)
    shown = decode(order.body, messages.Print)
    assert (shown.device, shown.number, shown.lines) == ("", "A001", [])
    assert shown.qr.endswith("/t/token")


def test_a_ticket_taken_at_a_dispenser_is_printed_there() -> None:
    (order,) = rendered(small(), c.TakeTicket("A", "token", press=Press("door", "e1", 7)))
    printed = decode(order.body, messages.Print)
    assert (order.unit, order.t, order.cid) == ("door", "Print", "slip-1-hall-3-1")
    assert (printed.device, printed.number, printed.press, printed.press_epoch) == (
        "printer-1",
        "A001",
        7,
        "e1",
    )
    assert printed.qr.endswith("/t/token")


def test_a_ticket_of_a_phone_is_printed_nowhere() -> None:
    assert rendered(small(), c.TakeTicket("A", "token")) == []


def test_at_a_quiet_time_nothing_is_spoken() -> None:
    quiet = Renderer("hall", Settings(), 3, lambda: HALL_BOOK, is_quiet=lambda zones, now: zones == {"east"})
    assert rendered(small("B"), c.CallNext(2), by=quiet) == []


def test_a_call_is_spoken_in_its_zone_only() -> None:
    (order,) = rendered(small("B"), c.CallNext(2))
    said = decode(order.body, messages.Speak)
    assert (order.unit, said.zh, said.en) == (
        "desk",
        "请 B001 号到 2 号窗口办理业务",
        "number B001, please go to window 2",
    )
    west = DeviceConfig(device="speaker-1", kind="speaker", wire="sound:default", zone="west")
    elsewhere = renderer(book(desk=UnitConfig(rev=0, position="", devices=[west])))
    assert rendered(small("B"), c.CallNext(2), by=elsewhere) == []


def test_english_and_repetition_of_calls_are_settings() -> None:
    (order,) = rendered(small("B"), c.CallNext(2), by=renderer(speech_english=False, speech_times=1))
    said = decode(order.body, messages.Speak)
    assert (said.en, said.times) == ("", 1)


def test_the_domain_is_said_only_where_numbers_would_be_mistaken() -> None:
    hall = small("A B").hall
    assert spoken(hall, hall.tickets[1], 1).zh == "请 大厅 A001 号到 1 号窗口办理业务"  # tax has an A001, too
    assert spoken(hall, hall.tickets[2], 1).zh == "请 B001 号到 1 号窗口办理业务"


def test_a_finished_visit_asks_for_a_rating_and_a_rating_is_thanked_for() -> None:
    (asked,) = rendered(small("A"), c.CallNext(1), c.Start(1), c.Finish(1))
    question = decode(asked.body, messages.AskRating)
    assert (question.device, question.board, question.ticket) == ("keypad-1", "w1", "A001")
    (thanked,) = rendered(small("A"), c.CallNext(1), c.Start(1), c.Finish(1), c.Rate(1, 4))
    assert decode(thanked.body, messages.Thank).level == 4


def test_every_order_has_an_id_of_its_own() -> None:
    by = renderer()
    first = rendered(small(), c.TakeTicket("A", "t", press=Press("door", "e1", 7)), by=by)
    again = rendered(small(), c.TakeTicket("A", "t", press=Press("door", "e1", 7)), by=by)
    assert first[0].cid != again[0].cid


def test_a_refusal_is_told_in_both_languages() -> None:
    why = Refused("quota_reached", "no more", queue="A", quota=3)
    refuse = decode(renderer().refuse("door", "button-1", 7, "e1", why, NOW).body, messages.Refuse)
    assert refuse.zh != refuse.en
    assert "A" in refuse.en


def test_a_copy_answers_no_press_and_says_what_it_is() -> None:
    hall = small("A").hall
    order = renderer().copy(hall, hall.tickets[1], "door", NOW)
    assert order is not None
    copy = decode(order.body, messages.Print)
    assert copy.press is None
    assert any("补打" in line.text for line in copy.lines)
    assert renderer().copy(hall, hall.tickets[1], "desk", NOW) is None


# --- leases


class Asked:
    """A lease keeper whose wishes are carried out at once."""

    def __init__(self, state: Told, *, known: set[tuple[str, str]] | None = None) -> None:
        self.state = state
        self.asked: list[AboutNumbers] = []
        self.keeper = Leases(lambda: self.state.hall, lambda: HALL_BOOK, self._take, 8, known or set())

    def _take(self, unit: str, command: AboutNumbers) -> None:
        self.asked.append(command)
        self.state = go(self.state, command)

    @property
    def hall(self) -> Hall:
        return self.state.hall


def test_a_unit_keeps_numbers_of_the_queues_it_prints_tickets_of() -> None:
    hall = small().hall
    kiosk = DeviceConfig(device="kiosk", kind="screen", wire="screen:", board="k-main")
    config = dispenser("A", "nowhere")
    assert offered(book(door=config), hall, "door") == ["A"]
    assert offered(
        book(door=UnitConfig(rev=0, position="", devices=[*config.devices, kiosk])), hall, "door"
    ) == [
        "A",
        "B",
        "G",
    ]
    assert offered(book(desk=desk(1)), hall, "desk") == []


def test_a_lease_is_asked_for_once_a_day() -> None:
    keeper = Asked(small())
    for _ in range(3):
        keeper.keeper.keep("door", "e1")
    assert [one.queue for one in keeper.asked] == ["A", "B"]
    assert len(keeper.hall.leases) == 2


def test_no_lease_is_given_while_the_hall_is_closed() -> None:
    keeper = Asked(told())
    keeper.keeper.keep("door", "e1")
    assert keeper.asked == []


def test_the_next_lease_comes_in_the_last_quarter_of_one() -> None:
    keeper = Asked(small())
    keeper.keeper.keep("door", "e1")
    lease = next(one for one in keeper.hall.leases.values() if one.queue == "A")
    keeper.keeper.used("door", lease.id, f"A{lease.last - 3:03d}")
    assert len(keeper.asked) == 2
    keeper.keeper.used("door", lease.id, f"A{lease.last - 2:03d}")
    keeper.keeper.used("door", lease.id, f"A{lease.last:03d}")
    assert [one.queue for one in keeper.asked] == ["A", "B", "A"]


def test_f81_what_this_database_forgot_is_given_to_nobody() -> None:
    keeper = Asked(small())
    for _ in range(2):
        keeper.keeper.recall("door", "e1", 12)
    assert keeper.asked == [
        c.PassOverNumbers("A", 20),
        c.LeaseNumbers("door", "A", 8),
        c.PassOverNumbers("B", 20),
        c.LeaseNumbers("door", "B", 8),
    ]
    assert [(one.unit, one.first) for _, one in sorted(keeper.hall.leases.items())][:2] == [
        ("", 501),
        ("door", 521),
    ]


def test_a_unit_whose_store_is_new_gets_new_numbers() -> None:
    keeper = Asked(small(), known={("door", "e0")})
    keeper.state = go(keeper.state, c.LeaseNumbers("door", "A", 8), c.LeaseNumbers("door", "B", 8))
    keeper.keeper.keep("door", "e0")
    assert keeper.asked == []
    keeper.keeper.keep("door", "e1")
    assert [one.queue for one in keeper.asked] == ["A", "B"]
