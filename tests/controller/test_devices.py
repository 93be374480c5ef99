"""Positions, units and their one file of credentials."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller import devices as module
from controller.broker import set_accounts
from controller.devices import BadDevices, Devices, accounts, check_config, main
from controller.hall.model import Text
from controller.settings import Settings
from controller.store import Store
from controller.store.devices import Position
from controller.store.records import add_hall
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.controller.sites import desk, dispenser

NOW = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "controller.toml").write_text("")
    (tmp_path / "data").mkdir()
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def registry(settings: Settings) -> Iterator[Devices]:
    store = Store.open(settings.database_url, NOW)
    with store.writing() as connection:
        add_hall(connection, "hall", Text("大厅", "Hall"), NOW)
    yield Devices(store, settings)
    store.close()


def put(registry: Devices, position: str, config: UnitConfig) -> Position:
    return registry.put_position("hall", position, Text(position, position), config, NOW)


# --- the register


def test_a_unit_serves_the_position_it_stands_at(registry: Devices) -> None:
    put(registry, "door", dispenser("A"))
    registry.add_unit("hall", "pi-7f3a", NOW, "door")
    book = registry.book
    config = book.config_of("pi-7f3a")
    assert config is not None
    assert config.position == "door"
    assert [one.device for one in book.devices_of("pi-7f3a")] == ["button-1", "printer-1"]
    assert [one.unit for one in book.of_kind("hall", "printer")] == ["pi-7f3a"]


def test_swapping_a_board_moves_the_configuration_under_a_higher_revision(registry: Devices) -> None:
    position = put(registry, "door", dispenser("A"))
    for unit in ("old", "new"):
        registry.add_unit("hall", unit, NOW)
    registry.place("old", "door", NOW)
    first = registry.book.config_of("old")
    registry.place("new", "door", NOW)
    moved, spare = registry.book.config_of("new"), registry.book.config_of("old")
    assert first is not None
    assert moved is not None
    assert spare is not None
    assert position.config.rev < first.rev < moved.rev <= spare.rev
    assert (spare.devices, moved.devices) == ([], position.config.devices)


@pytest.mark.parametrize("name", ["board", "ctl", "controller", "Window 3", ""])
def test_a_name_that_stands_for_something_else_names_no_unit(registry: Devices, name: str) -> None:
    """Its messages would be taken for boards, or for the controller's own."""
    with pytest.raises(BadDevices, match="cannot name a unit"):
        registry.add_unit("hall", name, NOW)


def test_a_revoked_unit_may_not_connect_and_its_name_is_never_used_again(registry: Devices) -> None:
    registry.add_unit("hall", "pi-1", NOW)
    registry.add_unit("hall", "pi-2", NOW)
    registry.revoke("pi-1", NOW)
    assert registry.book.config_of("pi-1") is None
    assert [unit.id for unit in registry.book.units_of("hall")] == ["pi-2"]
    with pytest.raises(BadDevices, match="never used again"):
        registry.add_unit("hall", "pi-1", NOW)
    with pytest.raises(BadDevices, match="there is no unit pi-1"):
        registry.revoke("pi-1", NOW)


def test_the_token_is_kept_nowhere_and_each_is_different(registry: Devices, settings: Settings) -> None:
    tokens = [registry.add_unit("hall", name, NOW) for name in ("pi-1", "pi-2")]
    tokens.append(registry.renew_secret("pi-1", NOW))
    assert len(set(tokens)) == 3
    assert all(len(token) >= 43 for token in tokens)  # 256 bits
    kept = b"".join(file.read_bytes() for file in settings.data_dir.rglob("*") if file.is_file())
    assert not any(token.encode() in kept for token in tokens)


def test_the_broker_is_told_of_units_and_only_once(registry: Devices, settings: Settings) -> None:
    registry.add_unit("hall", "pi-1", NOW)
    assert not registry.sync_accounts()
    assert not set_accounts(settings, lambda: accounts(registry._store))


def test_what_another_process_changes_is_noticed(registry: Devices, settings: Settings) -> None:
    other = Devices(registry._store, settings)
    assert not other.refresh()
    put(registry, "door", dispenser("A"))
    registry.add_unit("hall", "pi-1", NOW, "door")
    assert other.refresh()
    assert other.book == registry.book


@pytest.mark.parametrize("name", ["Pi-1", "pi.1", "pi 1", "", "-pi", "controller", "x" * 33])
def test_names_that_would_break_a_topic_are_refused(registry: Devices, name: str) -> None:
    with pytest.raises(BadDevices):
        registry.add_unit("hall", name, NOW)


def test_unknown_halls_and_positions_are_named_with_what_there_is(registry: Devices) -> None:
    put(registry, "door", dispenser("A"))
    with pytest.raises(BadDevices, match="no hall 'lobby'; this site has: hall"):
        registry.add_unit("lobby", "pi-1", NOW)
    with pytest.raises(BadDevices, match="no position 'window'; it has: door"):
        registry.add_unit("hall", "pi-1", NOW, "window")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "toaster"}, "unknown kind 'toaster'"),
        ({"board": "z-east"}, "must name the board of its window"),
        ({"address": None}, "needs its address"),
        ({"device": "keypad-2", "address": 9}, "two: device keypad-2"),
        ({"board": "w2", "address": 9}, "two: keypad at board w2"),  # F31
        ({"address": 2}, "two: device on wire serial:/dev/bus address 2"),
    ],
)
def test_f31_a_configuration_that_contradicts_itself_is_refused(
    change: dict[str, object], sentence: str
) -> None:
    fields = {"device": "keypad-1", "kind": "keypad", "wire": "serial:/dev/bus", "address": 1, "board": "w1"}
    odd = DeviceConfig(**{**fields, **change})  # type: ignore[arg-type]
    config = UnitConfig(rev=0, position="", devices=[odd, *desk(2).devices])
    with pytest.raises(BadDevices, match=sentence):
        check_config("desk", config)


# --- the command


def run(settings: Settings, *words: str) -> int:
    return main(["-c", str(settings.data_dir.parent / "controller.toml"), *words])


def test_unit_add_writes_a_private_file_and_list_shows_it(
    registry: Devices, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(registry, "door", dispenser("A"))
    file = tmp_path / "unit.toml"
    assert run(settings, "add", "pi-1", "--hall", "hall", "--position", "door", "-o", str(file)) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = tomllib.loads(file.read_text())
    assert (written["hall"], written["unit"], written["broker"]) == ("hall", "pi-1", "mqtt://127.0.0.1:1884")
    assert len(written["token"]) >= 43
    assert run(settings, "list") == 0
    assert "door" in capsys.readouterr().out
    assert run(settings, "revoke", "pi-1") == 0
    assert run(settings, "list") == 0
    assert "revoked" in capsys.readouterr().out


def test_unit_add_never_overwrites_and_says_what_is_wrong_in_one_sentence(
    registry: Devices, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "unit.toml"
    file.write_text("somebody's secret")
    assert run(settings, "add", "pi-1", "--hall", "hall", "-o", str(file)) == 1
    assert file.read_text() == "somebody's secret"
    assert "is there already; name another file" in capsys.readouterr().err
    assert run(settings, "add", "pi-1", "--hall", "lobby", "-o", str(tmp_path / "other")) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert registry.book.units == {}


def test_the_file_names_the_authority_and_its_fingerprint(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    secured = Settings(mqtt_tls_ca=authority, mqtt_tls_cert=authority, mqtt_tls_key=authority)
    module.write_unit_file(tmp_path / "unit.toml", secured, "hall", "pi-1", "token")
    written = tomllib.loads((tmp_path / "unit.toml").read_text())
    assert written["broker"].startswith("mqtts://")
    assert written["ca_fingerprint"] == (
        "sha256:709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"
    )
