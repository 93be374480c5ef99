"""A running site with one small hall and a real broker, and a unit that speaks raw protocol to it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.broker import Broker
from controller.bus import Bus
from controller.clock import real_now
from controller.hall.commands import Login, OpenDay
from controller.hall.model import Hall, Text
from controller.live import Live
from controller.people import SYSTEM
from controller.presence import Status
from controller.settings import Settings
from controller.site import Site
from firmware.protocol import codec, messages, topics
from firmware.protocol.codec import decode, encode
from firmware.protocol.messages import DeviceConfig, Envelope, Struct, UnitConfig
from tests.controller.brokers import Client, settings_for
from tests.deadlines import either
from tests.halls import small_plan
from tests.waiting import until

HALL = "hall"
DEAF_S = 45.0  # so long the bus may take to notice that its broker brings it nothing, and to connect anew
QUICK: dict[str, object] = either(
    {"reorder_wait_s": 0.3, "order_resend_s": 0.5, "board_every_s": 0.02, "heartbeat_lost_s": 60.0}, {}
)


def dispenser(*queues: str) -> UnitConfig:
    buttons = [
        DeviceConfig(device=f"button-{n}", kind="button", wire=f"gpio:{n}", queue=queue)
        for n, queue in enumerate(queues, start=1)
    ]
    printer = DeviceConfig(device="printer-1", kind="printer", wire="serial:/dev/printer")
    return UnitConfig(rev=0, position="", devices=[*buttons, printer])


def desk(*windows: int) -> UnitConfig:
    keypads = [
        DeviceConfig(device=f"keypad-{n}", kind="keypad", wire="serial:/dev/bus", address=n, board=f"w{n}")
        for n in windows
    ]
    speaker = DeviceConfig(device="speaker-1", kind="speaker", wire="sound:default", zone="east")
    return UnitConfig(rev=0, position="", devices=[*keypads, speaker])


class Unit:
    """The other end of the wire: numbers its messages, keeps what it is told, has no will of its own."""

    def __init__(self, settings: Settings, name: str, secret: str, epoch: str = "e1") -> None:
        self.name, self.epoch = name, epoch
        self._seq = itertools.count(1)
        self.client = Client(settings, name, secret, f"sh/v1/{HALL}/{name}/down/#", f"sh/v1/{HALL}/board/#")
        until(lambda: self.client.is_in)

    def envelope(self, report: Struct, seq: int, kind: str | None = None) -> Envelope:
        return Envelope(
            t=kind or type(report).__name__,
            ep=self.epoch,
            seq=seq,
            sess=1,
            boot=1,
            mono=seq,
            ts=datetime.now(UTC),  # noqa: TID251 - a unit's own clock
            d=codec.raw(report),
        )

    def say(self, report: Struct, seq: int | None = None) -> int:
        """Send one report as the next message, or as message `seq`."""
        seq = next(self._seq) if seq is None else seq
        self.send("evt", encode(self.envelope(report, seq)))
        return seq

    def press(self, button: int = 1, seq: int | None = None) -> int:
        return self.say(messages.Pressed(input=f"button-{button}"), seq)

    def send(self, leaf: str, payload: bytes, retain: bool = False) -> None:
        self.client.publish(topics.up(HALL, self.name, leaf), payload, retain)

    def birth(self, hi: int = 0, acked: int = 0, sess: int = 1, board: str = "") -> None:
        outbox = messages.OutboxState(ep=self.epoch, hi=hi, acked=acked)
        born = messages.Birth(
            unit=self.name, sess=sess, boot=1, app="test", hw={"serial-number": board}, outbox=outbox
        )
        self.send("birth", encode(born), retain=True)

    def beat(self, uptime_s: float = 1.0) -> None:
        outbox = messages.OutboxState(ep=self.epoch, hi=0, acked=0)
        self.send("health", encode(messages.Health(sess=1, uptime_s=uptime_s, outbox=outbox, full=False)))

    def come_online(self, bus: Bus) -> None:
        """Beat until the controller has heard it: one before its subscription holds is heard by nobody."""

        def is_heard() -> bool:
            self.beat()
            return any(one.unit == self.name and one.status is Status.ONLINE for one in bus.units())

        self.birth()
        until(is_heard, DEAF_S, every=0.1, what=f"{self.name} is online")

    def answer(self, cid: str, state: messages.ResultState = messages.ResultState.DONE) -> None:
        self.send("res", encode(messages.Result(cid=cid, state=state)))

    def told(self, leaf: str) -> list[bytes]:
        return self.client.payloads(topics.down(HALL, self.name, leaf))

    def acked(self) -> int:
        """The last message acked."""
        return max((decode(payload, messages.Ack).hi for payload in self.told("ack")), default=0)

    def missed(self) -> list[tuple[int, int]]:
        """The gap asked for last."""
        asked = [decode(payload, messages.Ack).miss for payload in self.told("ack")]
        return next((miss for miss in reversed(asked) if miss), [])

    def commands(self, kind: type[Struct]) -> Mapping[str, Struct]:
        """The orders of a kind by cid, each once."""
        found = [decode(payload, messages.Command) for payload in self.told("cmd")]
        return {one.cid: decode(bytes(one.d), kind) for one in found if one.t == kind.__name__}

    def board(self, name: str) -> messages.Board | None:
        shown = self.client.payloads(topics.board(HALL, name))
        return decode(shown[-1], messages.Board) if shown else None

    def close(self) -> None:
        self.client.close()


class OpenSite:
    """A site whose one hall is made by `furnish`: its day is open, and two clerks sit at windows 1 and 2."""

    settings: Settings
    site: Site

    @property
    def live(self) -> Live:
        return self.site.halls[HALL]

    @property
    def bus(self) -> Bus:
        return self.site.bus[HALL]

    @property
    def hall(self) -> Hall:
        return self.live.hall

    def numbers(self) -> list[str]:
        """The tickets' numbers in the order they were issued."""
        return [ticket.number for _, ticket in sorted(self.hall.tickets.items())]

    def furnish(self) -> None:
        """Make the hall, open its day and wait for the broker."""
        live = self.site.add_hall(HALL, small_plan())
        now = self.site.clock.now()
        live.submit(OpenDay(now.date(), now + timedelta(hours=8)), SYSTEM)
        for window, clerk in ((1, "wang"), (2, "li")):
            live.submit(Login(window, clerk), SYSTEM)
        until(lambda: self.bus.is_up)

    def enroll(self, name: str, config: UnitConfig) -> str:
        """A new position with this configuration and a unit for it, which may connect: its secret."""
        self.site.devices.put_position(HALL, name, Text(name, name), config, real_now())
        return self.site.devices.add_unit(HALL, name, real_now(), name)

    def begin(self) -> None:
        """Open the site again, as a start of the controller does."""
        self.site = Site.open(self.settings)
        until(lambda: self.bus.is_up)


class Running(OpenSite):
    """An open site with its broker; units are let in with `unit`."""

    def __init__(self, settings: Settings, broker: Broker, site: Site, stack: ExitStack) -> None:
        self.settings, self.broker, self.site, self._stack = settings, broker, site, stack

    def unit(self, name: str, config: UnitConfig) -> Unit:
        """A new position with this configuration, and the unit that serves it, connected."""
        unit = Unit(self.settings, name, self.enroll(name, config))
        self._stack.callback(unit.close)
        return unit

    def restart(self) -> None:
        """Close the site and open it again, as a restart of the controller does."""
        self.site.close()
        self.begin()


@contextmanager
def running(kind: str, folder: Path, **more: object) -> Iterator[Running]:
    """A hall with an open day and clerks at windows 1 and 2, connected to its broker."""
    settings = settings_for(kind, folder, **{**QUICK, **more})
    with ExitStack() as stack:
        broker = Broker(settings)
        broker.start()
        stack.callback(broker.stop)
        found = Running(settings, broker, Site.open(settings), stack)
        stack.callback(lambda: found.site.close())
        found.furnish()
        yield found


def raw_json(envelope: Envelope, **changes: object) -> bytes:
    """The envelope as bytes, with fields put in that its type would not allow."""
    return json.dumps({**json.loads(encode(envelope)), **changes}).encode()


__all__ = ["HALL", "Running", "Unit", "desk", "dispenser", "raw_json", "replace", "running"]
