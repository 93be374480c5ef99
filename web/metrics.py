"""The site in figures, as Prometheus reads them: everything is looked up when it is asked for.

Hides prometheus_client. There is one worker process, so nothing has to be joined from several.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from controller import broker
from controller.bus import Bus
from controller.hall import reports
from controller.hall.model import WindowState
from controller.live import Live
from controller.presence import Status
from controller.site import Site
from controller.store import messages
from controller.timings import BOUNDS_S

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PREFIX = "servicehall_"
STEPS = {
    "commit": "A batch of submissions is taken until it is stored.",
    "report_committed": "A unit's report is received until it is stored.",
    "order_sent": "An order is stored until it is first given to the broker.",
    "order_answered": "An order is given to the broker until its final result.",
    "slip_ordered": "A press is received until its slip's order is given to the broker.",
    "board_sent": "A call is stored until the first board that shows it is given to the broker.",
    "voice_taken": "An announcement is stored until the speaker's unit has it.",
    "action": "A key of the window console, as the server sees it.",
}


def exposition(site: Site) -> bytes:
    """All figures as text."""
    registry = CollectorRegistry()
    registry.register(_Figures(site))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        site = self._site
        yield InfoMetricFamily(
            f"{PREFIX}build",
            "What runs.",
            {"version": version("servicehall"), "store": site.store.writer.dialect.name},
        )
        yield GaugeMetricFamily(f"{PREFIX}generation", "How often this site was opened.", site.generation)
        free = shutil.disk_usage(site.settings.data_dir).free
        yield GaugeMetricFamily(f"{PREFIX}disk_free_bytes", "Free where the data is.", free)
        restarts = broker.restarts(site.settings)
        if restarts is not None:
            yield CounterMetricFamily(
                f"{PREFIX}broker_restarts",
                "Starts of the embedded broker after the first.",
                restarts,
            )
        yield from _halls(list(site.halls.values()))
        yield from _steps(list(site.halls.values()))
        yield from _buses(site.bus)
        yield from _units(site.bus)
        yield from _messages(site)


def _halls(lives: list[Live]) -> Iterator[Metric]:
    waiting = _gauge("queue_waiting", "Tickets that wait in a queue.", "hall", "queue")
    longest = _gauge("queue_longest_wait_seconds", "How long the first of a queue waits.", "hall", "queue")
    serving = _gauge("queue_windows", "Open windows that serve a queue.", "hall", "queue")
    windows = _gauge("windows", "Windows by what they do.", "hall", "state")
    events = CounterMetricFamily(f"{PREFIX}events", "Events stored, ever.", labels=["hall"])
    for live in lives:
        hall, now = live.hall, live.clock.now()
        events.add_metric([live.id], live.seq)
        for queue in reports.queues_now(hall, now):
            labels = [live.id, queue.queue.code]
            waiting.add_metric(labels, queue.waiting)
            longest.add_metric(labels, queue.longest.total_seconds() if queue.longest else 0.0)
            serving.add_metric(labels, len(queue.windows))
        states = Counter(one.state for one in hall.sessions.values())
        for state in WindowState:
            windows.add_metric([live.id, state.value], states[state])
    yield from (waiting, longest, serving, windows, events)


def _steps(lives: list[Live]) -> Iterator[Metric]:
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    for step, meaning in STEPS.items():
        family = HistogramMetricFamily(f"{PREFIX}{step}_seconds", meaning, labels=["hall"])
        for live in lives:
            totals = getattr(live.timings, step).totals()
            family.add_metric([live.id], list(zip(bounds, totals.buckets, strict=True)), totals.sum_s)
        yield family


def _buses(buses: dict[str, Bus]) -> Iterator[Metric]:
    up = _gauge("broker_up", "1 while the broker is connected.", "hall")
    pending = _gauge("orders_pending", "Orders without a final result.", "hall")
    aside = CounterMetricFamily(f"{PREFIX}set_aside", "Messages nobody could use, ever.", labels=["hall"])
    counted = CounterMetricFamily(
        f"{PREFIX}messages", "What the controller counted since its start.", labels=["hall", "what"]
    )
    faults = _gauge("faults_open", "Faults of devices that nobody has mended.", "hall", "severity")
    for hall, bus in buses.items():
        up.add_metric([hall], bus.is_up)
        pending.add_metric([hall], bus.pending_orders())
        aside.add_metric([hall], bus.set_aside_total())
        for what, count in sorted(bus.counts().items()):
            counted.add_metric([hall, what], count)
        severities = Counter(fault.severity for fault in bus.devices.faults(hall))
        for severity in ("citizen", "degraded", "maintenance"):
            faults.add_metric([hall, severity], severities[severity])
    yield from (up, pending, aside, counted, faults)


def _units(buses: dict[str, Bus]) -> Iterator[Metric]:
    units = _gauge("units", "Units by how they are.", "hall", "status")
    online = _gauge("unit_online", "1 while the unit is online.", "hall", "unit")
    depth = _gauge("unit_outbox_depth", "Reports that are not acked, as the unit said last.", "hall", "unit")
    oldest = _gauge(
        "unit_oldest_unacked_seconds", "How old the oldest of them was when it said so.", "hall", "unit"
    )
    heard = _gauge("unit_silent_seconds", "Since the unit was last heard.", "hall", "unit")
    now_s = time.monotonic()
    for hall, bus in buses.items():
        known = bus.units()
        states = Counter(one.status for one in known)
        for status in Status:
            units.add_metric([hall, status.value], states[status])
        for one in known:
            labels = [hall, one.unit]
            online.add_metric(labels, one.status is Status.ONLINE)
            if one.seen.alive_s is not None:
                heard.add_metric(labels, now_s - one.seen.alive_s)
            said = one.seen.health or one.seen.birth
            if said is not None:
                depth.add_metric(labels, said.outbox.depth)
                oldest.add_metric(labels, said.outbox.oldest_s)
    yield from (units, online, depth, oldest, heard)


def _messages(site: Site) -> Iterator[Metric]:
    """Of those not erased from the table: all that were ever written."""
    known = _gauge("citizen_messages", "Messages to citizens by where they stand.", "channel", "state")
    with site.store.reading() as c:
        for (channel, state), count in sorted(messages.counts(c).items()):
            known.add_metric([channel, state], count)
        cost = messages.total_cost(c)
    yield known
    yield CounterMetricFamily(f"{PREFIX}citizen_messages_cost", "What they cost, in the currency set.", cost)


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}{name}", meaning, labels=list(labels))
