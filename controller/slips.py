"""The text of a ticket slip, in Chinese with English beside it.

Pure. It carries what the citizen needs to find the window in time and nothing about who he is: hall,
matter, number, zone and windows, waiting, estimate, time, the rule for missed calls, the green mark,
and a QR code of the phone page. No name, no identity number.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from controller.hall import waits
from controller.hall.model import Hall, Rules, Text, Ticket, TicketClass
from controller.told import NOTHING, at_issue, wait_text
from firmware.protocol.messages import SlipLine

NAME_LIMIT = 40  # characters; longer item names are cut with an ellipsis
GREEN = Text("★ 绿色通道", "GREEN CHANNEL")
APPOINTMENT = Text("预约", "Appointment")
COPY = Text("补打", "COPY")
RULE = "-" * 32  # a line of normal type on 58 mm paper


def slip(
    hall: Hall, ticket: Ticket, zone: ZoneInfo, *, item: Text | None = None, is_copy: bool = False
) -> list[SlipLine]:
    """The lines of a ticket's slip, top to bottom.

    zone: whose clock the paper shows. item: name of the matter when the ticket has one, else the queue's.
    """
    queue = hall.queues[ticket.queue]
    matter = item or queue.name
    return [
        _center(hall.plan.name.zh, is_bold=True),
        _center(hall.plan.name.en),
        *([_center(f"{COPY.zh} {COPY.en}", is_bold=True)] if is_copy else []),
        _center(ticket.number, size=4, is_bold=True),
        *_mark(ticket),
        _center(_short(matter.zh), size=2),
        _center(_short(matter.en or queue.name.en)),
        SlipLine(text=RULE),
        *_where(hall, ticket),
        *_how_long(hall, ticket, is_copy=is_copy),
        SlipLine(text=f"取号 Taken  {ticket.issued_at.astimezone(zone):%Y-%m-%d %H:%M}"),
        SlipLine(text=RULE),
        *_missed(hall.plan.rules),
        _center("扫码查看排队进度 Scan for your place"),
    ]


def address(url: str, ticket: Ticket) -> str:
    """What the QR code holds: the phone page. url: public address without a slash at its end."""
    return f"{url}/t/{ticket.token}"


def windows_text(hall: Hall, queue: str) -> str:
    """The windows of a queue as people read them: "1-3, 7"."""
    runs: list[list[int]] = []
    for number in sorted(hall.servers.get(queue, ())):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _mark(ticket: Ticket) -> list[SlipLine]:
    mark = {TicketClass.GREEN: GREEN, TicketClass.APPOINTMENT: APPOINTMENT}.get(ticket.klass)
    return [_center(f"{mark.zh} {mark.en}", is_bold=True)] if mark else []


def _where(hall: Hall, ticket: Ticket) -> list[SlipLine]:
    queue = hall.queues[ticket.queue]
    place = next((zone.name for zone in hall.plan.zones if zone.id == queue.zone), None)
    windows = windows_text(hall, queue.code)
    lines = [SlipLine(text=f"等候区 Zone  {place.zh} {place.en}")] if place else []
    return [*lines, SlipLine(text=f"窗口 Windows  {windows}")] if windows else lines


def _how_long(hall: Hall, ticket: Ticket, *, is_copy: bool) -> list[SlipLine]:
    """Who stands before, and the wait told at issue; on a copy it would be an old one."""
    ahead = waits.ahead(hall, ticket.id)
    lines = [SlipLine(text=f"前面等候 {ahead} 人  {ahead} ahead of you")]
    words = NOTHING if is_copy else at_issue(ticket)
    if words != NOTHING:
        lines.append(SlipLine(text=f"预计等候 {wait_text('zh', words)}"))
        lines.append(SlipLine(text=f"Wait: {wait_text('en', words)}"))
    return lines


def _missed(rules: Rules) -> list[SlipLine]:
    """The rule for missed calls (P.48) with this hall's own numbers."""
    minutes = round(rules.return_within / timedelta(minutes=1))
    calls, behind, times = rules.no_show_calls, rules.return_behind, max(0, rules.misses_allowed - 1)
    often = "once" if times == 1 else f"up to {times} times"
    return [
        SlipLine(
            text=f"过号：叫号 {calls} 次未到即过号，{minutes} 分钟内可返回 {times} 次，排在 {behind} 人后。"
        ),
        SlipLine(
            text=f"Missed after {calls} calls. Return {often} in {minutes} min, behind the next {behind}."
        ),
    ]


def _center(text: str, size: int = 1, is_bold: bool = False) -> SlipLine:
    return SlipLine(text=text, size=size, align="center", is_bold=is_bold)


def _short(text: str) -> str:
    return text if len(text) <= NAME_LIMIT else text[: NAME_LIMIT - 1] + "…"
