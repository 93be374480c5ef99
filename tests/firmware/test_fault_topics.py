"""What somebody sees of a unit's faults who looks at the broker alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.fault_topics import FaultTopics
from firmware.protocol.codec import decode
from firmware.protocol.messages import Faulted, OpenFault, Recovered
from firmware.protocol.outbox import Outbox


class Retained:
    """The retained topics of a broker that can be away."""

    def __init__(self) -> None:
        self.topics: dict[str, bytes] = {}
        self.is_there = True

    def publish(self, leaf: str, payload: bytes) -> bool:
        if self.is_there and payload:
            self.topics[leaf] = payload
        elif self.is_there:
            self.topics.pop(leaf, None)
        return self.is_there

    def devices(self, leaf: str) -> dict[str, str]:
        return decode(self.topics[leaf], OpenFault).devices


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    found = Outbox.open(tmp_path / "outbox.sqlite")
    yield found
    found.close()


def faulted(device: str) -> Faulted:
    return Faulted(device=device, code="input.gone", severity="citizen")


def test_r18_a_fault_has_a_retained_topic_until_it_ends(outbox: Outbox) -> None:
    broker = Retained()
    told = FaultTopics(outbox, broker.publish)
    for device in ("button-1", "button-2"):
        outbox.append(faulted(device))
        told.tell()
    assert broker.devices("fault/input-gone") == {"button-1": "citizen", "button-2": "citizen"}
    outbox.append(Recovered(device="button-1", code="input.gone"))
    told.tell()
    assert broker.devices("fault/input-gone") == {"button-2": "citizen"}
    outbox.append(Recovered(device="button-2", code="input.gone"))
    told.tell()
    assert broker.topics == {}


def test_r18_what_ended_while_the_broker_was_away_is_deleted_later(outbox: Outbox) -> None:
    broker = Retained()
    told = FaultTopics(outbox, broker.publish)
    outbox.append(faulted("button-1"))
    told.tell()
    broker.is_there = False
    outbox.append(Recovered(device="button-1", code="input.gone"))
    told.tell()
    broker.is_there = True
    told.again()
    assert broker.topics == {}


def test_r18_the_faults_of_the_run_before_are_deleted_when_they_are_over(outbox: Outbox) -> None:
    broker = Retained()
    outbox.append(faulted("button-1"))
    FaultTopics(outbox, broker.publish).tell()
    told = FaultTopics(outbox, broker.publish)
    outbox.append(Recovered(device="button-1", code="input.gone"))
    told.again()
    assert broker.topics == {}
