"""Both ends of the contract, real, with a network between them that can be broken on either side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from controller import broker as brokers
from controller.broker import Account
from controller.devices import accounts
from controller.settings import Settings
from controller.site import Site
from controller.store.devices import set_secret
from firmware.protocol.link import Broker, LinkTiming
from firmware.protocol.messages import UnitConfig
from tests.contract.unit import TIMING, Unit
from tests.controller.brokers import settings_for
from tests.controller.sites import HALL, QUICK, OpenSite, dispenser
from tests.deadlines import either
from tests.faults.proxy import Proxy, proxy_to
from tests.waiting import until


class Whole(OpenSite):
    """A site with its broker and its units. near: the network of the units; far: the controller's."""

    def __init__(
        self, stack: ExitStack, settings: Settings, broker: brokers.Broker, near: Proxy, far: Proxy
    ) -> None:
        """settings: of the broker; the site reaches it through `far`, as an external one."""
        self._stack, self._broker_settings, self.broker, self.near, self.far = (
            stack,
            settings,
            broker,
            near,
            far,
        )
        credentials = settings.data_dir / "credentials"
        credentials.write_text(f"controller:{brokers.login(settings).password}\n")
        credentials.chmod(0o600)
        self.settings = replace(
            settings, broker=f"mqtt://127.0.0.1:{far.port}", broker_credentials=credentials
        )
        self.site = Site.open(self.settings)
        stack.callback(lambda: self.site.close())
        self._secrets: dict[str, str] = {}

    @property
    def kind(self) -> str:
        return self._broker_settings.broker

    def add(self, name: str = "node-1", config: UnitConfig | None = None) -> Broker:
        """A new position, and a unit that may connect: its login, through the units' network."""
        self._secrets[name] = self.enroll(name, config or dispenser("A"))
        self.allow()
        return self.login(name)

    @property
    def folder(self) -> Path:
        """Where the units' stores are."""
        return self.settings.data_dir.parent

    @property
    def controllers_login(self) -> Broker:
        """What the controller itself connects with."""
        login = brokers.login(self.settings)
        return Broker(login.host, login.port, login.user, login.password)

    def login(self, name: str) -> Broker:
        return Broker("127.0.0.1", self.near.port, name, self._secrets[name])

    def readmit(self, name: str, secret: str) -> None:
        """Let a unit that this database has forgotten connect as before, at a position of its name."""
        self.enroll(name, dispenser("A"))
        with self.site.store.writing() as c:
            set_secret(c, name, brokers.hash_secret(secret))
        self.site.devices.refresh()
        self.allow()

    def unit(
        self, name: str = "node-1", config: UnitConfig | None = None, timing: LinkTiming = TIMING
    ) -> Unit:
        """A new position and its unit, which connects by itself."""
        unit = Unit(self.add(name, config), self.folder / name, timing)
        self._stack.callback(unit.close)
        unit.link.start()
        return unit

    def met(
        self, name: str = "node-1", config: UnitConfig | None = None, timing: LinkTiming = TIMING
    ) -> Unit:
        """A new unit, once each end hears the other."""
        unit = self.unit(name, config, timing)
        until(lambda: unit.configs and unit.outbox.get("gen") == self.site.generation, what="it hears")
        until(lambda: self.bus.presence.of(name).alive_s is not None, what="it is heard")
        return unit

    def allow(self, change: dict[str, Account] | None = None) -> None:
        """Let the broker know exactly the units that may connect; some otherwise than they should."""
        known = {one.user: one for one in accounts(self.site.store)} | (change or {})
        brokers.set_accounts(self._broker_settings, lambda: list(known.values()))

    def stop(self) -> None:
        self.site.close()

    def faults(self) -> list[str]:
        return [fault.code for fault in self.site.devices.faults(HALL)]


@contextmanager
def whole(kind: str, folder: Path, **more: object) -> Iterator[Whole]:
    """A hall with an open day and clerks at windows 1 and 2. more: settings of the controller."""
    keepalive = either({"mqtt_keepalive_s": 2}, {})
    settings = settings_for(kind, folder, **{**QUICK, **keepalive, **more})
    with ExitStack() as stack:
        broker = brokers.Broker(settings)
        broker.start()
        stack.callback(broker.stop)
        near = stack.enter_context(proxy_to(settings.mqtt_port))
        far = stack.enter_context(proxy_to(settings.mqtt_port))
        found = Whole(stack, settings, broker, near, far)
        found.furnish()
        yield found
