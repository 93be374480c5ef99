"""What stands on a ticket slip, and what does not."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from controller import slips
from controller.hall.commands import TakeTicket
from controller.hall.hindsight import Expected
from controller.hall.model import Text, TicketClass
from tests.halls import Told, go, small, ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")


def text(state: Told, number: str, **more: object) -> str:
    found = ticket(state, number)
    return "\n".join(line.text for line in slips.slip(state.hall, found, SHANGHAI, **more))  # type: ignore[arg-type]


def test_a_slip_says_hall_matter_number_place_wait_and_time() -> None:
    told = Expected(600.0, 600.0, 700.0, 900.0, True)
    state = go(small("A A"), TakeTicket("A", "third", expected=told))
    printed = text(state, "A003")
    for part in (
        "政务服务大厅",
        "Service hall",
        "A003",
        "社保",
        "Social security",
        "东区 East",
        "1-4",
        "前面等候 2 人",
        "预计等候 约 10–15 分钟",
        "Wait: about 10–15 min",
        "2025-03-03 08:30",
    ):
        assert part in printed, part


def test_a_copy_does_not_tell_the_wait_of_long_ago() -> None:
    told = Expected(600.0, 600.0, 700.0, 900.0, True)
    state = go(small("A"), TakeTicket("A", "another", expected=told))
    assert "预计等候" not in text(state, "A002", is_copy=True)


def test_a_slip_without_a_window_tells_no_wait() -> None:
    assert "预计等候" not in text(small("B", staff="wang@1"), "B001")


def test_a_slip_tells_the_rule_for_missed_calls_with_the_halls_numbers() -> None:
    printed = text(small("A"), "A001")
    assert "过号：叫号 3 次未到即过号，60 分钟内可返回 1 次，排在 3 人后" in printed
    assert "Missed after 3 calls" in printed


def test_the_number_is_the_largest_thing_on_the_slip() -> None:
    state = small("A")
    lines = slips.slip(state.hall, ticket(state, "A001"), SHANGHAI)
    largest = max(lines, key=lambda line: line.size)
    assert (largest.text, largest.size) == ("A001", 4)


def test_the_qr_code_opens_the_phone_page_of_this_ticket_only() -> None:
    state = small("A")
    assert slips.address("https://hall.example", ticket(state, "A001")) == "https://hall.example/t/token-1"


def test_green_tickets_are_marked_and_others_are_not() -> None:
    state = go(small("A"), TakeTicket("A", "token-x", TicketClass.GREEN))
    assert "绿色通道" in text(state, "A002")
    assert "绿色通道" not in text(state, "A001")


def test_no_slip_carries_anything_about_the_person() -> None:
    state = go(small(), TakeTicket("A", "token-x", person="hash-of-somebody"))
    assert "hash-of-somebody" not in text(state, "A001")


def test_a_matter_of_its_own_stands_in_place_of_the_queue_and_long_names_are_cut() -> None:
    state = small("A")
    printed = text(state, "A001", item=Text("社" * 60, ""))
    assert "社" * 39 + "…" in printed
    assert "社" * 41 not in printed
    assert "Social security" in printed


def test_a_queue_nobody_serves_now_promises_no_time() -> None:
    assert "预计等候" not in text(small("B", staff="wang@1"), "B001")


def test_a_copy_says_that_it_is_one() -> None:
    assert "补打 COPY" in text(small("A"), "A001", is_copy=True)


def test_windows_are_read_as_runs() -> None:
    state = small()
    servers = {**state.hall.servers, "A": (1, 2, 3, 7, 9, 10)}
    assert slips.windows_text(replace(state.hall, servers=servers), "A") == "1-3, 7, 9-10"
