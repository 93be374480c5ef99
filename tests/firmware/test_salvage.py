"""A damaged store: what can be read of it is told, once; the rest is a gap."""

from __future__ import annotations

from pathlib import Path

from firmware.protocol.messages import Ack, Pressed, Rated
from firmware.protocol.outbox import Outbox
from firmware.salvage import Salvage, read, salvages
from tests.firmware.hall_unit import SLOW, node_running, node_settings
from tests.waiting import until

PAGE = 4096  # bytes of a page of SQLite


def damaged(folder: Path, *, votes: int = 300, acked: int = 100) -> tuple[str, Path]:
    """A store with so many votes of which some were acked, a page in the middle of them overwritten."""
    store = folder / "outbox.sqlite"
    outbox = Outbox.open(store)
    for level in range(votes):
        outbox.append(Rated(device="keypad-1", level=level % 5 + 1, ticket=f"A{level:03d}"))
    outbox.heard(acked)
    epoch = outbox.epoch
    outbox.close()
    bytes_ = bytearray(store.read_bytes())
    at = bytes_.find(b"A200") // PAGE * PAGE
    bytes_[at : at + PAGE] = b"\xa5" * PAGE
    store.write_bytes(bytes_)
    return epoch, store


def test_f41_what_can_be_read_of_a_damaged_store_comes_with_its_own_numbers(tmp_path: Path) -> None:
    epoch, store = damaged(tmp_path)
    found_epoch, events = read(store)
    assert found_epoch == epoch
    seqs = [one.seq for one in events]
    assert seqs == sorted(set(seqs))
    assert min(seqs) == 101
    assert 201 not in seqs
    assert 100 < len(seqs) < 200


def test_f41_a_file_that_is_no_store_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite.corrupt-1").write_bytes(b"rubbish" * 1000)
    assert salvages(tmp_path / "outbox.sqlite") == []
    assert (tmp_path / "outbox.sqlite.corrupt-1.told").exists()


def test_what_is_acked_is_not_said_again_and_the_file_is_marked_in_the_end(tmp_path: Path) -> None:
    epoch, store = damaged(tmp_path)
    Outbox.open(store).close()
    (salvage,) = salvages(store)
    first = salvage.due(0.0)
    assert [one.ep for one in first] == [epoch] * 64
    assert salvage.due(1.0) == []
    salvage.heard(Ack(ep="another", hi=10_000))
    salvage.heard(Ack(ep=epoch, hi=first[9].seq))
    assert salvage.due(1.0)[0].seq == first[10].seq
    salvage.heard(Ack(ep=epoch, hi=10_000))
    assert salvage.is_told
    assert salvages(store) == []


def test_an_empty_store_has_nothing_to_tell(tmp_path: Path) -> None:
    store = tmp_path / "outbox.sqlite"
    Outbox.open(store).close()
    assert Salvage(store).is_told


def test_f41_a_unit_with_a_damaged_store_tells_what_it_holds_and_serves_on(folder, settings, controller):
    """A new epoch begins, and the votes of the old one arrive under theirs."""
    (folder / "unit").mkdir()
    epoch, store = damaged(folder / "unit", votes=300, acked=0)
    controller.is_acking = False
    with node_running(node_settings(folder / "unit", settings.mqtt_port)) as node:
        until(lambda: _arrived(controller, epoch), SLOW)
        assert node.outbox.epoch != epoch
        node.outbox.press(Pressed(input="button-1"))
        node.link.wake()
        until(lambda: _acked_all(controller, epoch) and not node._salvages, 2 * SLOW)
    assert len(_arrived(controller, epoch)) > 100
    assert store.with_name("outbox.sqlite.corrupt-1.told").exists()
    assert "events can still be told" in controller.reports("Faulted")[0].detail


def _arrived(controller, epoch: str) -> list[int]:
    return sorted(seq for ep, seq in controller.events if ep == epoch)


def _acked_all(controller, epoch: str) -> bool:
    """As the real controller, which passes over a gap that nobody fills."""
    controller.ack(epoch, max(_arrived(controller, epoch), default=0))
    return True
