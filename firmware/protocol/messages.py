"""The typed messages between nodes and the controller.

Wire messages are additive: a new field has a default; a field is never renamed or reused; a kind
this version does not know is set aside with a note, not fatal (R1). Kinds are class names, in the
envelope's `t`. codec.py makes them bytes.

Times on the wire: `ts` is RFC 3339 UTC; `mono` is milliseconds of the unit's monotonic clock since
its boot number `boot`; `tq` says how far `ts` may be believed (R16).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, get_args

import msgspec

from firmware.protocol.codec import decode, look_over

VERSION = 1
MAX_EVENT_BYTES = 16 * 1024  # R7: larger is never enqueued


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of everything on the wire: immutable, fields by name."""


class TimeQuality(StrEnum):
    SYNCED = "synced"
    HOLDOVER = "holdover"
    UNTRUSTED = "untrusted"


class Envelope(Struct, frozen=True, kw_only=True):
    """What carries one outbox event from a unit (topic up/evt)."""

    v: int = VERSION
    t: str
    ep: str
    seq: int
    sess: int
    boot: int
    mono: int
    ts: datetime
    tq: TimeQuality = TimeQuality.UNTRUSTED
    d: msgspec.Raw = msgspec.Raw(b"{}")


# --- Reports: what a unit's hardware did (d of an Envelope) ---------------------------------------


class Pressed(Struct, frozen=True, kw_only=True):
    """A ticket was asked for at an input of this unit: a button or a kiosk's card."""

    input: str  # "button-1", "kiosk"
    choice: str = ""  # queue code, when the input itself offers several
    item: str = ""  # matter of the catalogue, when the person chose one
    number: str = ""  # what its slip bears, when it is said again after that (F81)
    is_refused: bool = False  # its citizen was told that there is no ticket; said again after that (F81)
    appointment: str = ""  # what somebody checks in with at a kiosk: a code, or the end of a phone number
    klass: str = ""  # "green": a card laid on this unit's reader entitles its holder
    who: str = ""  # of who checks in with an identity card: a keyed digest of its number (persons.digest)


class IssuedOffline(Struct, frozen=True, kw_only=True):
    """No answer came in time, so the unit numbered the press itself."""

    press: int  # seq of the Pressed
    queue: str
    number: str
    day: str  # business date, ISO 8601, as last issued by the controller
    lease: int | None = None  # None: dispenser-suffixed series


class Printed(Struct, frozen=True, kw_only=True):
    order: str
    press: int | None = None
    is_confirmed: bool = True  # False: the printer cannot say (unconfirmed model)


class PrintUncertain(Struct, frozen=True, kw_only=True):
    """Power or paper went while the slip was being printed."""

    order: str
    press: int | None = None
    why: str = ""


class NotPrinted(Struct, frozen=True, kw_only=True):
    """Certainly nothing came out; the slip is void."""

    order: str
    press: int | None = None
    why: str = ""


class KeyPressed(Struct, frozen=True, kw_only=True):
    """A key of a caller keypad. key: one of Key, or "unknown:XX" with the byte in hex. digits: typed before
    it; before call_next the end of a number, before transfer a window."""

    device: str  # "keypad-3"
    key: str
    digits: str = ""


class Rated(Struct, frozen=True, kw_only=True):
    """A rating key. level 1 (very poor) .. 5 (very good), mapped by the unit's configuration."""

    device: str
    level: int
    board: str = ""  # what the screen showed: which window
    ticket: str = ""  # and which number, when it knew


class Scanned(Struct, frozen=True, kw_only=True):
    """A code was held to a scanner. code: its text, like the address on a slip."""

    device: str
    code: str


class CardShown(Struct, frozen=True, kw_only=True):
    """An identity card was laid on a reader. Name, number, address and picture stay on the unit (P.33).

    who: left empty by this version: the digest of a card leaves the unit with a check-in (Pressed) only.
    """

    device: str
    is_green: bool = False  # its holder is old enough for the green class
    who: str = ""


class Spoken(Struct, frozen=True, kw_only=True):
    order: str


class Faulted(Struct, frozen=True, kw_only=True):
    """A device stopped doing its work. code is a fault catalogue code, like "printer.paper_out"."""

    device: str
    code: str
    detail: str = ""
    severity: str = "degraded"  # citizen | degraded | maintenance


class Recovered(Struct, frozen=True, kw_only=True):
    device: str
    code: str


class OpenFault(Struct, frozen=True, kw_only=True):
    """A fault of the unit now (topic up/fault/{code}, retained until it ends)."""

    code: str
    devices: dict[str, str] = {}  # device -> severity


class ClockJumped(Struct, frozen=True, kw_only=True):
    from_ts: datetime
    to_ts: datetime


class Check(Struct, frozen=True, kw_only=True):
    """One thing a unit looked at. is_ok None: a person has to say whether it was right."""

    name: str
    is_ok: bool | None = None
    detail: str = ""


class Examined(Struct, frozen=True, kw_only=True):
    """A self-test has ended. order: "" of the one at the start."""

    what: str
    device: str = ""
    order: str = ""
    checks: list[Check] = []


Report = (
    Pressed
    | IssuedOffline
    | Printed
    | PrintUncertain
    | NotPrinted
    | KeyPressed
    | Rated
    | Scanned
    | CardShown
    | Spoken
    | Faulted
    | Recovered
    | ClockJumped
    | Examined
)


class Key(StrEnum):
    """Meanings of a caller's keys (P.30, P.32)."""

    CALL_NEXT = "call_next"
    RECALL = "recall"
    START = "start"  # confirm alone
    NO_SHOW = "no_show"
    HOLD = "hold"
    DELAY = "delay"
    CALL_BACK = "call_back"
    TRANSFER = "transfer"
    PAUSE = "pause"  # pause and resume
    FINISH = "finish"  # ask for rating
    CANCEL = "cancel"
    LINE = "line"  # one-metre line, unused


# --- Orders: what a unit shall do (topic down/cmd) --------------------------------------------------


class SlipLine(Struct, frozen=True, kw_only=True):
    text: str
    size: int = 1  # 1 normal, 2 double, 4 quadruple
    align: str = "left"  # left | center
    is_bold: bool = False


class Print(Struct, frozen=True, kw_only=True):
    """Print one slip. press is the seq of the Pressed it answers; None for a test."""

    device: str
    lines: list[SlipLine]
    qr: str = ""
    press: int | None = None
    press_epoch: str = ""
    number: str = ""


class Refuse(Struct, frozen=True, kw_only=True):
    """The press was refused: tell the person at the device why."""

    device: str
    press: int
    press_epoch: str
    zh: str
    en: str


class Speak(Struct, frozen=True, kw_only=True):
    """One announcement; sentences are spoken one after another in the zone.

    number, window: whose call it is; once the window does not call it any more it is not said.
    """

    device: str
    zh: str
    en: str = ""
    times: int = 1
    chime: bool = True
    volume: int = 100  # per cent of the sound as it was made
    number: str = ""
    window: int = 0


class AskRating(Struct, frozen=True, kw_only=True):
    """Start the rating prompt at a rating keypad (FUNC 01 data 0B)."""

    device: str
    board: str
    ticket: str


class Thank(Struct, frozen=True, kw_only=True):
    """Thank for a rating."""

    device: str
    level: int


class Beep(Struct, frozen=True, kw_only=True):
    device: str


class Lease(Struct, frozen=True, kw_only=True):
    """Numbers the unit may give out itself while no answer comes."""

    lease: int
    queue: str
    day: str
    prefix: str
    first: int
    last: int
    digits: int = 3


class Examine(Struct, frozen=True, kw_only=True):
    """Test yourself. what: quick | full, or of one device: print | pattern | keys | speak | snapshot."""

    what: str
    device: str = ""


Order = Print | Refuse | Speak | AskRating | Thank | Beep | Lease | Examine


class Command(Struct, frozen=True, kw_only=True):
    """One order on its way (R8). cid is remembered by the unit with its result; gen fences (R11)."""

    v: int = VERSION
    cid: str
    t: str
    gen: int
    iss: datetime
    ttl_ms: int
    d: msgspec.Raw


class ResultState(StrEnum):
    RECEIVED = "received"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Result(Struct, frozen=True, kw_only=True):
    """What became of an order (topic up/res). Sent again for a cid seen before."""

    cid: str
    state: ResultState
    code: str = ""
    detail: str = ""


# --- Acks, presence, health -----------------------------------------------------------------------


class Ack(Struct, frozen=True, kw_only=True):
    """Everything up to hi of epoch ep is committed at the controller (R6); miss: gaps to send again."""

    ep: str
    hi: int
    miss: list[tuple[int, int]] = []


class UnitState(Struct, frozen=True, kw_only=True):
    """Retained presence and last will (R12)."""

    online: bool
    sess: int
    boot: int
    why: str = ""


class Capability(Struct, frozen=True, kw_only=True):
    device: str  # "printer-1"
    kind: str  # of its DeviceConfig
    model: str = ""
    can: dict[str, bool] = {}


class OutboxState(Struct, frozen=True, kw_only=True):
    ep: str
    hi: int  # last seq given
    acked: int
    depth: int = 0
    oldest_s: float = 0.0


class Birth(Struct, frozen=True, kw_only=True):
    """Self-description of a unit, retained; answers "is anything missing?" with its first message."""

    unit: str
    sess: int
    boot: int
    app: str
    os: str = ""
    hw: dict[str, str] = {}
    caps: list[Capability] = []
    outbox: OutboxState
    pages: str = ""  # address of the unit's own pages and bench, when it serves any


class Health(Struct, frozen=True, kw_only=True):
    """Every 30 s, and when a device changes; live heartbeats every 10 s are health without `full`."""

    sess: int
    uptime_s: float
    outbox: OutboxState
    devices: dict[str, str] = {}  # device -> ok | code of its worst fault
    counts: dict[str, int] = {}  # framing errors, resends, reconnects, swallowed exceptions
    rss_kib: int = 0
    cfg_rev: int = 0
    full: bool = True


class ConfigState(Struct, frozen=True, kw_only=True):
    """Reported configuration (R15)."""

    rev: int
    applied: int
    errors: list[str] = []


class ControllerState(Struct, frozen=True, kw_only=True):
    """Retained on ctl/state and the controller's last will."""

    online: bool
    gen: int
    ts: datetime
    day: str = ""  # business date now open


class Request(Struct, frozen=True, kw_only=True):
    """A question of a unit (topic up/req), answered on down/rep with the same rid."""

    rid: str
    t: str  # "time" | "news" | "ticket"
    d: dict[str, Any] = {}  # of "news": see news.py; of "ticket": an Asked, see progress.py


class Reply(Struct, frozen=True, kw_only=True):
    rid: str
    t: str
    ts: datetime | None = None
    d: dict[str, Any] = {}  # "time": {"hall": what the hall's clock shows, RFC 3339, "speed": 1.0}
    # of "news": see news.py; of "ticket": a Progress, see progress.py


# --- Desired configuration of a unit (topic down/cfg, retained, whole) ---------------------------


class DeviceConfig(Struct, frozen=True, kw_only=True):
    """One peripheral. wire: how firmware.wires opens it; kind: which driver (docs/reference/devices.md).

    In an emulated node the same forms of wires name the emulator's end.
    """

    device: str
    kind: str
    wire: str
    address: int | None = None  # on a bus
    board: str = ""  # which board it shows, or whose window it belongs to
    queue: str = ""  # what a button asks for; also used for offline numbers
    zone: str = ""
    ratings: dict[str, int] = {}  # key value -> level (P.13); empty = driver's default
    options: dict[str, str] = {}


class UnitConfig(Struct, frozen=True, kw_only=True):
    rev: int
    position: str
    name: str = ""
    devices: list[DeviceConfig]
    grant_timeout_ms: int = 300  # design: edge
    resend_s: float = 2.0  # R4, backing off to 30 s
    heartbeat_s: float = 10.0
    health_s: float = 30.0
    suffix: str = ""  # of the dispenser's own series, when its leases are used up
    catalogue: bytes = b""  # what its kiosks can find by search, see catalogue.pack


# --- Boards: retained whole snapshots (topic board/{board}) ---------------------------------------


class Call(Struct, frozen=True, kw_only=True):
    number: str
    window: int
    at: datetime
    calls: int = 1
    ticket: int = 0
    window_name: str = ""


class ShutTime(Struct, frozen=True, kw_only=True):
    """When a queue gives out no tickets today, and what is said then."""

    start: datetime
    end: datetime
    zh: str
    en: str


class QueueLine(Struct, frozen=True, kw_only=True):
    code: str
    zh: str
    en: str
    waiting: int
    windows: int  # open for it
    next: list[str] = []
    wait_min: int | None = None  # estimate in minutes, in steps; None: no window open
    wait_max: int | None = None  # None beside a wait_min: longer than that
    wait: str = ""  # any_moment | about | longer | none (cannot be known); "": as the minutes say
    is_rough: bool = False  # too few earlier waits for a good estimate
    is_open: bool = True
    why_zh: str = ""  # why no ticket can be taken now
    why_en: str = ""
    zone_zh: str = ""  # where its citizens wait
    zone_en: str = ""
    what_zh: str = ""  # what the matter is, for who has not been here before
    what_en: str = ""
    shut: list[ShutTime] = []  # by the sessions of the day; is_open says how it is as the board is drawn
    prefix: str | None = None  # of its numbers; None: not said


class WindowBoard(Struct, frozen=True, kw_only=True):
    number: int
    zh: str
    en: str
    state: str  # WindowState value
    ticket: str = ""
    is_called: bool = False  # called, not yet being served: it flashes
    calls: int = 0
    waiting: int = 0
    staff_number: str = ""
    staff_name: str = ""  # masked for the screen (P.33)
    queues_zh: str = ""
    queues_en: str = ""
    until: datetime | None = None  # of a pause
    line: str = ""  # what a one-line LED bar shows


class Layout(Struct, frozen=True, kw_only=True):
    """How a display lays its board out. 0 of columns or rows: as many as fit."""

    shows: str  # hall | zone | window | notices | leader | staff
    columns: int = 0
    rows: int = 0
    order: str = ""  # of queues: "" as set up, "waiting" the longest line first
    lang: str = "zh"  # the language written large
    turn: int = 0  # degrees clockwise the picture is turned, where the screen hangs turned


class Board(Struct, frozen=True, kw_only=True):
    """Everything one display shows. Shown when (gen, ver) is newer than what is shown (F23, F24)."""

    board: str  # "w3", "z-hall-1", "k-main"
    ver: int
    gen: int
    ts: datetime
    zh: str = ""
    en: str = ""
    day: str = ""
    window: WindowBoard | None = None
    calls: list[Call] = []  # newest first
    queues: list[QueueLine] = []
    windows: list[WindowBoard] = []
    notice_zh: str = ""
    notice_en: str = ""
    hall_zh: str = ""  # name of the whole hall, where zh and en name a part of it
    hall_en: str = ""
    time_zone: str = ""  # of the clock a screen shows; "" = the usual Asia/Shanghai
    layout: Layout | None = None  # of a display's own board (`d-lobby`)
    is_quiet: bool = False  # calls are not spoken here now: the screen alone calls
    leader_zh: str = ""  # who leads the hall today
    leader_en: str = ""
    leader_phone: str = ""


REPORTS: dict[str, type[Struct]] = {kind.__name__: kind for kind in get_args(Report)}
ORDERS: dict[str, type[Struct]] = {kind.__name__: kind for kind in get_args(Order)}


def decode_report(envelope: Envelope) -> Report | None:
    """The report inside; None for a kind or version this program does not know (R1)."""
    kind = REPORTS.get(envelope.t)
    if kind is None or envelope.v > VERSION:
        return None
    return decode(bytes(envelope.d), kind)  # type: ignore[return-value]


def decode_order(command: Command) -> Order | None:
    """The order inside; None for a kind this program does not know (R1)."""
    kind = ORDERS.get(command.t)
    return None if kind is None else decode(bytes(command.d), kind)  # type: ignore[return-value]


look_over(Struct.__subclasses__())
