"""What a press, a key or a rating at a device asks of the hall.

Pure: the book says which device stands where, the hall says what its key means now. A key that makes
no sense is Refused with the code its person is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from controller.boards import window_of
from controller.devices import Book
from controller.hall import commands
from controller.hall.appointments import arriving, arriving_with_card
from controller.hall.commands import Command
from controller.hall.model import (
    Hall,
    PauseReason,
    Press,
    Refused,
    Slip,
    Ticket,
    TicketClass,
    TicketState,
    WindowState,
    label,
)
from controller.hall.places import walk, window_line
from controller.hall.refusals import refuse
from controller.people import Actor, unit_actor
from firmware.protocol import messages
from firmware.protocol.messages import DeviceConfig, Key

BY_KEYPAD = "按键"  # the reason given at a keypad, which cannot write one
OFFLINE = "offline-"  # what a unit calls a slip it printed on its own account, before the press's seq
SLIP = "slip-"  # what this controller calls a slip, before the ticket's id


@dataclass(frozen=True, slots=True)
class Message:
    """Which message a report came in: the identity of a press."""

    unit: str
    epoch: str
    seq: int

    @property
    def press(self) -> Press:
        return Press(self.unit, self.epoch, self.seq)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A command and who gives it."""

    command: Command
    by: Actor


def of_press(
    book: Book, message: Message, report: messages.Pressed, token: str, asked_at: datetime | None = None
) -> Meaning:
    """The ticket a press asks for. Raises Refused when the input offers no such queue.

    asked_at: when it was pressed, of a press that comes late. One that says its number has its slip already.
    """
    device = book.device(message.unit, report.input)
    queue = report.choice or (device.queue if device else "")
    if device is not None and device.queue and report.choice not in ("", device.queue):
        raise refuse("unknown_queue", queue=report.choice)
    if not queue:
        raise Refused(
            "unknown_input", f"{report.input} of {message.unit} asks for no queue", input=report.input
        )
    klass = _class_of(device, report)
    item, press = report.item or None, message.press
    command: Command = commands.TakeTicket(queue, token, klass, press=press, item=item, asked_at=asked_at)
    if report.number:
        command = commands.AcceptOffline(press, queue, report.number, token, asked_at, klass, item=item)
    return Meaning(command, unit_actor(message.unit))


def of_check_in(
    hall: Hall, message: Message, report: messages.Pressed, token: str, now: datetime, person: str = ""
) -> Meaning:
    """Who has an appointment is here, and says so at a kiosk. person: the digest of who laid a card on its
    reader. Raises Refused when nobody is meant."""
    one = arriving_with_card(hall, person, now) if report.who else arriving(hall, report.appointment, now)
    return Meaning(commands.CheckIn(one.id, token, message.press), unit_actor(message.unit))


def of_offline(message: Message, report: messages.IssuedOffline, token: str, taken_at: datetime) -> Meaning:
    """The ticket a dispenser gave out by itself."""
    press = Press(message.unit, message.epoch, report.press)
    command = commands.AcceptOffline(
        press, report.queue, report.number, token, taken_at, day=_date(report.day)
    )
    return Meaning(command, unit_actor(message.unit))


def of_key(book: Book, hall: Hall, message: Message, report: messages.KeyPressed) -> Meaning | None:
    """What a caller's key asks for; None for keys without a meaning. Raises Refused."""
    window = window_at(book.device(message.unit, report.device))
    if window is None or window not in hall.windows:
        raise refuse("unknown_window", window=report.device)
    command = _of_key(hall, window, report.key, report.digits)
    return None if command is None else Meaning(command, unit_actor(message.unit, window))


def of_rating(
    book: Book, hall: Hall, message: Message, report: messages.Rated, rated_at: datetime | None = None
) -> Meaning | None:
    """The rating of the ticket that was meant; None when no finished ticket fits (F30).

    rated_at: when the key was pressed, of a rating that comes late: not for who was finished since.
    """
    device = book.device(message.unit, report.device)
    window = window_of(report.board) or window_at(device)
    if window is None or window not in hall.windows:
        return None
    ticket = _rated(hall, window, report.ticket)
    if ticket is None or ticket.state is not TicketState.COMPLETED or ticket.finished_at is None:
        return None
    if rated_at is not None and rated_at < ticket.finished_at:
        return None
    return Meaning(commands.Rate(ticket.id, report.level), unit_actor(message.unit))


def of_scan(hall: Hall, message: Message, report: messages.Scanned) -> Meaning | None:
    """A slip held to a scanner: who missed the call is back (T6). None for any other code or ticket."""
    id = hall.tokens.get(report.code.rpartition("/t/")[2])
    if id is None or hall.tickets[id].state is not TicketState.NO_SHOW:
        return None
    return Meaning(commands.ReturnTicket(id), unit_actor(message.unit))


def of_slip(
    hall: Hall, message: Message, report: messages.Printed | messages.PrintUncertain | messages.NotPrinted
) -> Meaning | None:
    """What became of a slip; None when it is no ticket of today (a copy, a test, yesterday's)."""
    ticket = _of_report(hall, message, report.order, report.press)
    slip = {messages.Printed: Slip.PRINTED, messages.PrintUncertain: Slip.UNCERTAIN}.get(
        type(report), Slip.VOID
    )
    if ticket is None or ticket not in hall.tickets:
        return None
    if (
        slip is Slip.VOID
        and not report.order.startswith(OFFLINE)
        and hall.tickets[ticket].slip is not Slip.PENDING
    ):
        return None  # the unit had printed this press on its own account: that paper counts
    return Meaning(commands.RecordSlip(ticket, slip), unit_actor(message.unit))


def of_expired(hall: Hall, order: str, unit: str, *, is_sure: bool) -> Meaning | None:
    """What it means for a slip that its order ran out of time; None when the order was no slip.

    is_sure: the unit says so, and nothing was printed; else nobody knows what came out (F14).
    """
    ticket = _of_slip(hall, unit, order)
    if ticket is None or ticket.slip is not Slip.PENDING:
        return None
    slip = Slip.VOID if is_sure else Slip.UNCERTAIN
    return Meaning(commands.RecordSlip(ticket.id, slip), unit_actor(unit))


def window_at(device: DeviceConfig | None) -> int | None:
    return None if device is None else window_of(device.board)


def _of_key(hall: Hall, window: int, key: str, digits: str) -> Command | None:
    match key:
        case Key.CALL_NEXT if digits:
            return commands.JumpCall(window, _numbered(hall, window, digits), BY_KEYPAD)
        case Key.CALL_NEXT:
            return commands.CallNext(window)
        case Key.RECALL:
            return commands.Recall(window)
        case Key.START:
            return commands.Start(window)
        case Key.NO_SHOW:
            return commands.NoShow(window)
        case Key.DELAY:
            return commands.Delay(window, reason=BY_KEYPAD)
        case Key.HOLD:
            return commands.Hold(window, BY_KEYPAD)
        case Key.CALL_BACK:
            return _call_back(hall, window)
        case Key.PAUSE:
            return _pause(hall, window)
        case Key.FINISH:
            return commands.Finish(window)
        case Key.TRANSFER if digits:
            return commands.Transfer(hall.sessions[window].current or 0, BY_KEYPAD, to_window=int(digits))
        case Key.TRANSFER:
            raise refuse("one_target")
        case Key.CANCEL | Key.LINE:
            return None
        case _:
            raise Refused("unknown_key", f"key {key} has no meaning", key=key)


def _numbered(hall: Hall, window: int, digits: str) -> int:
    """Who waits for this window with a number that ends so. Raises Refused unless that is one."""
    lines = [*(serves.queue for serves in hall.windows[window].serves), window_line(window)]
    waiting = [hall.tickets[place[-1]] for line in lines for place in walk(hall, line)]
    fitting = [one for one in waiting if _digits(one).endswith(digits)]
    exactly = [one for one in fitting if int(_digits(one)) == int(digits)]
    found = exactly if len(exactly) == 1 else fitting
    if len(found) != 1:
        what = f"{len(found)} waiting tickets have a number that ends with {digits}"
        raise Refused("number_unclear", what, digits=digits, count=len(found))
    return found[0].id


def _digits(ticket: Ticket) -> str:
    return "".join(letter for letter in ticket.number if letter.isdecimal()) or "0"


def _pause(hall: Hall, window: int) -> Command:
    if hall.sessions[window].state is WindowState.PAUSED:
        return commands.Unpause(window)
    return commands.Pause(window, PauseReason.OTHER)


def _call_back(hall: Hall, window: int) -> Command:
    """Resume the newest held ticket; with none held, let the last one missed here return."""
    held = hall.sessions[window].held
    if held:
        return commands.Resume(window, held[-1])
    missed = [id for _, id in hall.missed if hall.tickets[id].legs[-1].window == window]
    if not missed:
        raise refuse("nobody_called", window=window)
    return commands.ReturnTicket(missed[-1])


def _rated(hall: Hall, window: int, number: str) -> Ticket | None:
    """The ticket a rating means: by the number on the screen if that was served here, else the last."""
    last = hall.sessions[window].last_finished
    if not number:
        return hall.tickets.get(last) if last is not None else None
    for domain in hall.plan.domains:
        ticket = hall.tickets.get(hall.numbers.get(label(domain.id, number), 0))
        if ticket is not None and any(leg.window == window for leg in ticket.legs):
            return ticket
    return None


def _of_report(hall: Hall, message: Message, order: str, press: int | None) -> int | None:
    """The ticket a slip is of: by its press, which stays what it is when this database is restored."""
    if press is not None:
        return hall.presses.get(Press(message.unit, message.epoch, press))
    return _of_order(hall, message, order)


def _of_order(hall: Hall, message: Message, order: str) -> int | None:
    if order.startswith(OFFLINE) and order[len(OFFLINE) :].isdecimal():
        return hall.presses.get(Press(message.unit, message.epoch, int(order[len(OFFLINE) :])))
    ticket = _of_slip(hall, message.unit, order)
    return ticket.id if ticket else None


def _of_slip(hall: Hall, unit: str, order: str) -> Ticket | None:
    """The ticket a slip of ours was ordered for, at that unit."""
    if order.startswith(SLIP) and (id := order.split("-")[1]).isdecimal():
        ticket = hall.tickets.get(int(id))
        if ticket is not None and ticket.press is not None and ticket.press.unit == unit:
            return ticket
    return None


def _class_of(device: DeviceConfig | None, report: messages.Pressed) -> TicketClass:
    """Green by the button pressed, or by a card shown to the unit before."""
    wanted = report.klass or (device.options.get("class", "") if device else "")
    return TicketClass(wanted) if wanted in set(TicketClass) else TicketClass.NORMAL


def _date(text: str) -> date | None:
    """The business date a unit went by; None when it knew none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
