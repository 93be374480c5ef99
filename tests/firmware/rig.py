"""Drivers and emulators wired together: a bench without its page, and what the drivers reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from firmware.drivers import build
from firmware.emulators.bench import Bench, BenchSettings
from firmware.protocol.messages import DeviceConfig, Faulted, Recovered, Struct
from tests.waiting import until

M = TypeVar("M", bound=Struct)


class Reports:
    """What drivers reported, in order."""

    def __init__(self) -> None:
        self.all: list[Struct] = []

    def __call__(self, report: Struct) -> None:
        self.all.append(report)

    def of(self, kind: type[M]) -> list[M]:
        return [report for report in self.all if isinstance(report, kind)]

    def codes(self) -> list[str]:
        """Faults as "+code", recoveries as "-code"."""
        signs = {Faulted: "+", Recovered: "-"}
        return [signs[type(each)] + each.code for each in self.all if isinstance(each, Faulted | Recovered)]


class Rig:
    """One unit's devices with their drivers."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self.bench = bench
        self.reports = Reports()
        self._stack = stack

    def driver(self, device: str, **settings: Any) -> Any:
        """The started driver of an emulated device; its wire is the one the bench names."""
        seen = self.seen(device)
        config = DeviceConfig(
            device=device,
            kind=seen["kind"],
            wire=seen["wire"],
            address=seen[seen["kind"]].get("address"),
            **settings,
        )
        driver = build(config, self.reports)
        driver.start()
        self._stack.callback(driver.stop)
        return driver

    def seen(self, device: str) -> dict[str, Any]:
        return next(each for each in self.bench.state()["devices"] if each["device"] == device)

    def state(self, device: str) -> dict[str, Any]:
        """What the device itself shows, kept and counted."""
        seen = self.seen(device)
        state: dict[str, Any] = seen[seen["kind"]]
        return state

    def broken(self, device: str, fault: str, is_on: bool = True) -> None:
        self.bench.set_fault(device, fault, is_on)

    def until(self, condition: Callable[[], Any], what: str = "", timeout: float = 15.0) -> Any:
        return until(condition, timeout=timeout, what=what or f"reports so far: {self.reports.all}")


@contextmanager
def rig(directory: Path, *devices: dict[str, Any]) -> Iterator[Rig]:
    """devices: tables as in bench.toml."""
    table = {"unit": "node-1", "dir": str(directory), "device": list(devices)}
    bench = Bench(msgspec.convert(table, BenchSettings))
    bench.start()
    with ExitStack() as stack:
        stack.callback(bench.stop)
        yield Rig(bench, stack)
