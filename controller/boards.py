"""What every screen of a hall shows, as whole snapshots drawn from the hall's value.

Pure. A board's name says what it is: `w3` a window, `z-east` the summary screen of a zone, `k-main` a
kiosk of a calling domain. Screens never get differences, so nothing can be missed or shown half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from controller.hall import balance, effects, waits
from controller.hall.duty import now_shut
from controller.hall.model import (
    DayState,
    Hall,
    Queue,
    Session,
    Shut,
    Text,
    Ticket,
    TicketState,
    Window,
    WindowState,
    Zone,
)
from controller.hall.waits import Forecast
from controller.people import mask
from controller.told import NOTHING, joining
from firmware.protocol.messages import Board, Call, QueueLine, ShutTime, WindowBoard

CALLS_SHOWN = 40  # of a zone; a screen shows as many as fit, and then the next
NEXT_SHOWN = 3  # ux: hall display
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
AT_WINDOW = frozenset({TicketState.CALLED, TicketState.SERVING})
NOT_OPEN = Text("现在不在取号时间", "Tickets are not being issued now")
ENDED = Text("今日取号已结束", "No more tickets today")
FULL = Text("今日号已取完，可预约其他时间", "Today's tickets are used up: book another time")
NOT_SERVED = Text("本业务未设窗口", "No window offers this")
FOR_TODAY = (NOT_OPEN, ENDED, FULL, NOT_SERVED)  # no hour of this day changes them


@dataclass(frozen=True, slots=True)
class Version:
    """What makes a snapshot newer than another (F23, F24): the controller's generation, then a count."""

    gen: int
    ver: int


def of_window(number: int) -> str:
    return f"w{number}"


def of_zone(zone: str) -> str:
    return f"z-{zone}"


HALL, STAFF = "h-hall", "h-staff"  # everything that is called, and who sits where
WHOLE = frozenset({HALL, STAFF})


def of_domain(domain: str) -> str:
    return f"k-{domain}"


def window_of(board: str) -> int | None:
    """The window a board belongs to; None for a board of a zone or kiosk."""
    return int(board[1:]) if board[:1] == "w" and board[1:].isdecimal() else None


def names(hall: Hall) -> list[str]:
    """Every board of the hall."""
    return [
        *(of_window(window.number) for window in hall.plan.windows),
        *(of_zone(zone.id) for zone in hall.plan.zones),
        *(of_domain(domain.id) for domain in hall.plan.domains),
    ]


def touched(hall: Hall, told: Iterable[effects.Effect]) -> set[str]:
    """The boards that may look different after these effects, and whose readers wait for it."""
    return {name for effect in told for name in _touched(hall, effect)}


def touched_late(hall: Hall, told: Iterable[effects.Effect]) -> set[str]:
    """The boards on which only the number of those waiting may have changed.

    One ticket changes it at every window of its queue: 300 boards, for which a moment is soon enough.
    """
    codes = {effect.queue for effect in told if isinstance(effect, effects.QueueFace)}
    return {of_window(number) for code in codes for number in hall.servers.get(code, ())}


def draw(
    hall: Hall,
    name: str,
    now: datetime,
    version: Version,
    time_zone: str = "",
    forecast: Forecast | None = None,
) -> Board | None:
    """The whole board `name`; None when the hall has no such board (any more)."""
    board = looks(hall, name, now, time_zone, forecast)
    return None if board is None else issued(board, version, now)


def issued(looks: Board, version: Version, now: datetime) -> Board:
    """The board as it is sent."""
    return replace(looks, ver=version.ver, gen=version.gen, ts=now)


def looks(
    hall: Hall, name: str, now: datetime, time_zone: str = "", forecast: Forecast | None = None
) -> Board | None:
    """What the board shows, without version and time: equal for as long as nobody would see a difference.

    time_zone: IANA name, in which its screens show times. forecast: of the waits; none are told without.
    """
    number = window_of(name)
    if number is not None and number in hall.windows:
        return _board(hall, name, hall.plan.name, time_zone, window=window_board(hall, number, now))
    if name == HALL:
        lines = [queue_line(hall, queue, now, forecast) for queue in hall.plan.queues]
        calls = _newest(hall, hall.plan.windows)
        return _board(hall, name, hall.plan.name, time_zone, calls=calls, queues=lines)
    if name == STAFF:
        faces = [window_board(hall, window.number, now) for window in hall.plan.windows]
        return _board(hall, name, hall.plan.name, time_zone, windows=faces)
    for zone in hall.plan.zones:
        if name == of_zone(zone.id):
            return _zone_board(hall, zone, now, time_zone, forecast)
    for domain in hall.plan.domains:
        if name == of_domain(domain.id):
            queues, calls = kiosk_queues(hall, domain.id, now, forecast), domain_calls(hall, domain.id)
            return _board(hall, name, domain.name, time_zone, queues=queues, calls=calls)
    return None


def announcing(looks: Board, text: Text) -> Board:
    """The same with what the hall tells everybody."""
    return replace(looks, notice_zh=text.zh, notice_en=text.en)


def zones_of(hall: Hall, name: str) -> set[str]:
    """The areas whose people look at a board: none at a window's own."""
    if window_of(name) is not None:
        return set()
    zones = {zone.id for zone in hall.plan.zones if name in (of_zone(zone.id), *WHOLE)}
    return zones | {queue.zone for queue in hall.plan.queues if name == of_domain(queue.domain)}


def area_of(hall: Hall, name: str) -> set[str]:
    """The same; of a window's own board the area it stands in."""
    window = hall.windows.get(window_of(name) or 0)
    return zones_of(hall, name) if window is None else {window.zone}


def _zone_board(hall: Hall, zone: Zone, now: datetime, time_zone: str, forecast: Forecast | None) -> Board:
    return _board(
        hall,
        of_zone(zone.id),
        zone.name,
        time_zone,
        calls=zone_calls(hall, zone.id),
        queues=[
            queue_line(hall, queue, now, forecast) for queue in hall.plan.queues if queue.zone == zone.id
        ],
        windows=[window_board(hall, w.number, now) for w in hall.plan.windows if w.zone == zone.id],
    )


def _board(
    hall: Hall,
    name: str,
    title: Text,
    time_zone: str,
    *,
    window: WindowBoard | None = None,
    calls: Iterable[Call] = (),
    queues: Iterable[QueueLine] = (),
    windows: Iterable[WindowBoard] = (),
) -> Board:
    return Board(
        board=name,
        ver=0,
        gen=0,
        ts=NO_TIME,
        zh=title.zh,
        en=title.en,
        hall_zh=hall.plan.name.zh,
        hall_en=hall.plan.name.en,
        time_zone=time_zone,
        day=hall.day.date.isoformat() if hall.day else "",
        window=window,
        calls=list(calls),
        queues=list(queues),
        windows=list(windows),
    )


# --- the pieces


def window_board(hall: Hall, number: int, now: datetime) -> WindowBoard:
    """The face of one window: number, state, who sits there, whom it serves."""
    window, session = hall.windows[number], hall.sessions[number]
    ticket = _current(hall, session)
    clerk = hall.clerks.get(session.clerk) if session.clerk else None
    queues = [hall.queues[serves.queue].name for serves in window.serves if serves.queue in hall.queues]
    return WindowBoard(
        number=number,
        zh=window.name.zh,
        en=window.name.en,
        state=session.state.value,
        ticket=ticket.number if ticket else "",
        is_called=ticket is not None and ticket.state is TicketState.CALLED,
        calls=ticket.calls if ticket else 0,
        waiting=_waiting_for(hall, session),
        staff_number=clerk.staff_number if clerk else "",
        staff_name=mask(clerk.name) if clerk else "",
        queues_zh="、".join(name.zh for name in queues),
        queues_en=", ".join(name.en for name in queues),
        until=session.pause_until,
        line=_line(window, session, ticket),
    )


def zone_calls(hall: Hall, zone: str) -> list[Call]:
    """Who is called to or served at the zone's windows, the newest call first."""
    return _newest(hall, [window for window in hall.plan.windows if window.zone == zone])


def domain_calls(hall: Hall, domain: str) -> list[Call]:
    """Who of a calling domain is called or served, the newest call first."""
    return _newest(hall, hall.plan.windows, domain)


def _newest(hall: Hall, windows: Iterable[Window], domain: str | None = None) -> list[Call]:
    called = [
        Call(
            number=ticket.number,
            window=window.number,
            at=ticket.last_called_at or ticket.issued_at,
            calls=ticket.calls,
            ticket=ticket.id,
            window_name=window.name.zh,
        )
        for window in windows
        if (ticket := _current(hall, hall.sessions[window.number])) is not None
        and domain in (None, ticket.domain)
    ]
    return sorted(called, key=lambda call: (call.at, call.ticket), reverse=True)[:CALLS_SHOWN]


def kiosk_queues(hall: Hall, domain: str, now: datetime, forecast: Forecast | None = None) -> list[QueueLine]:
    return [queue_line(hall, queue, now, forecast) for queue in hall.plan.queues if queue.domain == domain]


def queue_line(hall: Hall, queue: Queue, now: datetime, forecast: Forecast | None = None) -> QueueLine:
    """How a queue stands: who waits, who is next, and what somebody who joins now has to expect."""
    waiting = waits.waiting(hall, queue.code)
    wait = NOTHING if forecast is None else joining(forecast, queue.code)
    closed, what = why_closed(hall, queue, now), queue.description
    zone = next((zone.name for zone in hall.plan.zones if zone.id == queue.zone), None)
    return QueueLine(
        code=queue.code,
        zh=queue.name.zh,
        en=queue.name.en,
        waiting=waiting,
        windows=len(balance.serving_windows(hall, queue.code)),
        next=waits.next_numbers(hall, queue.code, NEXT_SHOWN),
        wait_min=None if wait.code == "none" else wait.low,
        wait_max=None if wait.code in ("none", "longer") else wait.high,
        wait=wait.code,
        is_rough=not wait.is_calibrated,
        is_open=closed is None,
        why_zh=closed.zh if closed else "",
        why_en=closed.en if closed else "",
        zone_zh=zone.zh if zone else "",
        zone_en=zone.en if zone else "",
        what_zh=what.zh if what else "",
        what_en=what.en if what else "",
        shut=[] if closed in FOR_TODAY else [_shut_time(hall, queue, one) for one in _shut(hall, queue)],
        prefix=queue.prefix,
    )


def why_closed(hall: Hall, queue: Queue, now: datetime) -> Text | None:
    """Why nobody can take a ticket of this queue now; None when one can."""
    if hall.day is None or hall.day.state is DayState.CLOSED:
        return NOT_OPEN
    if hall.day.state is DayState.CLOSING:
        return ENDED
    if queue.daily_quota is not None and hall.issued.get(queue.code, 0) >= queue.daily_quota:
        return FULL
    if not hall.servers.get(queue.code):
        return NOT_SERVED
    shut = now_shut(_shut(hall, queue), now)
    return None if shut is None else _off_duty(hall, queue, shut)


def _shut(hall: Hall, queue: Queue) -> tuple[Shut, ...]:
    return hall.shut.get(queue.code, ())


def _shut_time(hall: Hall, queue: Queue, shut: Shut) -> ShutTime:
    said = _off_duty(hall, queue, shut)
    return ShutTime(start=shut.start, end=shut.end, zh=said.zh, en=said.en)


def _off_duty(hall: Hall, queue: Queue, shut: Shut) -> Text:
    """Not now: when again, and that one can book (S3.17)."""
    zh, en = ("现在只办预约", "By appointment now") if shut.is_booked else ("现在不办理", "Not now")
    if shut.again is not None:
        day, time = shut.again[0], f"{shut.again[1]:%H:%M}"
        is_today = hall.day is not None and day == hall.day.date
        zh += f"，{time}起取号" if is_today else f"，{day.month}月{day.day}日{time}起取号"
        en += f": tickets again at {time}" if is_today else f": tickets again on {day.day} {day:%b} at {time}"
    if queue.slot_places != 0:
        zh, en = f"{zh}；可预约", f"{en}; you can book"
    return Text(zh, en)


def _touched(hall: Hall, effect: effects.Effect) -> Iterator[str]:
    match effect:
        case effects.WindowFace(window=number):
            yield of_window(number)
            if number in hall.windows:
                yield of_zone(hall.windows[number].zone)
                yield from (of_domain(domain) for domain in _domains(hall, hall.windows[number]))
        case effects.ZoneFace(zone=zone):
            yield of_zone(zone)
        case effects.QueueFace(queue=code):
            queue = hall.queues.get(code)
            if queue is not None:
                yield of_domain(queue.domain)
                yield of_zone(queue.zone)
        case _:
            return


def _domains(hall: Hall, window: Window) -> set[str]:
    """The calling domains whose citizens are called to this window."""
    return {hall.queues[serves.queue].domain for serves in window.serves if serves.queue in hall.queues}


def _current(hall: Hall, session: Session) -> Ticket | None:
    ticket = hall.tickets.get(session.current) if session.current is not None else None
    return ticket if ticket is not None and ticket.state in AT_WINDOW else None


def _waiting_for(hall: Hall, session: Session) -> int:
    return sum(waits.waiting(hall, line) for line in balance.lines_of(hall, session))


def _line(window: Window, session: Session, ticket: Ticket | None) -> str:
    """One line for an LED bar of about eight Chinese characters."""
    if ticket is not None and ticket.state is TicketState.CALLED:
        return f"请{ticket.number}号到{window.number}号窗口"
    if ticket is not None:
        return f"{ticket.number} 正在办理"
    match session.state:
        case WindowState.OPEN | WindowState.BUSY:
            return window.name.zh
        case WindowState.PAUSED | WindowState.OFFLINE:
            return "暂停服务"
        case WindowState.CLOSED:
            return "窗口未开"
