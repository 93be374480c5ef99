"""The embedded broker: who may say what to whom, and that it comes back."""

from __future__ import annotations

import logging
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, product
from pathlib import Path

import pytest

from controller import broker
from controller.broker import Broker, BrokerError, hash_secret, set_accounts
from controller.broker_config import Account
from controller.settings import Settings
from firmware.protocol import session, topics
from firmware.protocol.guard import Guard
from tests.controller.brokers import KINDS, Client, client, running, settings_for
from tests.waiting import until

SECRETS = {"node-1": "first secret", "node-2": "second secret"}
HASHES = {unit: hash_secret(secret) for unit, secret in SECRETS.items()}


def accounts(*units: str) -> list[Account]:
    return [Account(unit, HASHES[unit], topics.unit_rights("hall", unit)) for unit in units]


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return settings_for(request.param, tmp_path)


@pytest.fixture
def hall(settings: Settings) -> Iterator[tuple[Settings, Broker]]:
    set_accounts(settings, lambda: accounts("node-1", "node-2"))
    with running(settings) as found:
        yield settings, found


def test_a_unit_reports_to_the_controller_and_hears_its_orders(hall: tuple[Settings, Broker]) -> None:
    settings, _ = hall
    with (
        client(settings, "controller", "", "sh/v1/hall/+/up/#") as controller,
        client(
            settings, "node-1", SECRETS["node-1"], "sh/v1/hall/node-1/down/#", "sh/v1/hall/board/#"
        ) as unit,
    ):
        unit.publish(topics.up("hall", "node-1", "evt"), b"pressed")
        until(lambda: controller.payloads(topics.up("hall", "node-1", "evt")) == [b"pressed"])
        controller.publish(topics.down("hall", "node-1", "cmd"), b"print")
        controller.publish(topics.board("hall", "w1"), b"A001", retain=True)
        until(lambda: unit.payloads(topics.down("hall", "node-1", "cmd")) == [b"print"])
        until(lambda: unit.payloads(topics.board("hall", "w1")) == [b"A001"])


LEAVES = ("up/evt", "up/state", "up/birth", "up/fault/printer-1", "down/cmd", "down/cfg")


def every_topic() -> list[str]:
    """What can be said in two halls, to and by two units each."""
    of_units = (
        f"{topics.ROOT}/{hall}/{unit}/{leaf}"
        for hall, unit, leaf in product(("hall", "else"), ("node-1", "node-2"), LEAVES)
    )
    of_halls = ((topics.board(hall, "w1"), topics.controller_state(hall)) for hall in ("hall", "else"))
    return [*of_units, *chain.from_iterable(of_halls), "elsewhere"]


def test_a_unit_says_what_is_its_own_and_nothing_else_reaches_anybody(hall: tuple[Settings, Broker]) -> None:
    """Every cell of the table of topics, of what a unit may publish."""
    settings, _ = hall
    mine = [one for one in every_topic() if one.startswith("sh/v1/hall/node-1/up/")]
    with (
        client(settings, "controller", "", "sh/v1/+/+/up/#", "sh/v1/+/ctl/state") as controller,
        client(
            settings, "node-2", SECRETS["node-2"], "sh/v1/hall/board/#", "sh/v1/hall/node-2/down/#"
        ) as other,
        client(settings, "node-1", SECRETS["node-1"]) as unit,
    ):
        for topic in [one for one in every_topic() if one not in mine] + mine:
            unit.publish(topic, b"said")
        until(lambda: controller.payloads(mine[-1]) == [b"said"])
        controller.publish(topics.board("hall", "w1"), b"real")
        until(lambda: other.got)
        assert {topic for topic, _ in controller.got} == set(mine)
        assert [payload for _, payload in other.got] == [b"real"]


def test_a_unit_hears_what_it_is_told_and_nothing_else(hall: tuple[Settings, Broker]) -> None:
    """Every cell of the table of topics, of what a unit may subscribe to; asking for more ends nothing."""
    settings, _ = hall
    heard = {one for one in every_topic() if one.startswith("sh/v1/hall/node-1/down/")}
    heard |= {topics.board("hall", "w1"), topics.controller_state("hall")}
    asked = [one for one in every_topic() if one not in heard]
    listened = Client(settings, "node-1", SECRETS["node-1"], *asked, *sorted(heard))
    with client(settings, "controller", "") as controller:
        until(lambda: listened.is_in)
        for topic in asked:
            controller.publish(topic, b"told")
        for topic in sorted(heard):
            controller.publish(topic, b"told")
        until(lambda: {topic for topic, _ in listened.got} >= heard)
    listened.close()
    assert {topic for topic, _ in listened.got} == heard


@pytest.mark.parametrize(("user", "password"), [("node-1", "wrong"), ("nobody", ""), ("", "")])
def test_strangers_are_not_let_in(hall: tuple[Settings, Broker], user: str, password: str) -> None:
    settings, _ = hall
    stranger = Client(settings, user, password)
    until(lambda: stranger.connects or stranger.drops)
    stranger.close()
    assert "Success" not in stranger.connects


def test_a_new_unit_is_let_in_and_a_revoked_one_put_out_while_others_stay(
    hall: tuple[Settings, Broker],
) -> None:
    settings, _ = hall
    assert set_accounts(settings, lambda: accounts("node-1"))
    with client(settings, "node-1", SECRETS["node-1"], "sh/v1/hall/board/#") as stays:
        late = Client(settings, "node-2", SECRETS["node-2"])
        until(lambda: late.connects and late.connects[-1] != "Success")
        ins = late.connects.count("Success")
        known = accounts("node-1", "node-2")
        assert set_accounts(settings, lambda: known)
        assert not set_accounts(settings, lambda: known)
        until(lambda: late.connects.count("Success") > ins)
        drops = late.drops
        assert set_accounts(settings, lambda: [known[0]])
        until(lambda: late.drops > drops)
        late.close()
        assert stays.drops == 0
        assert len(stays.connects) == 1


def test_a_killed_broker_comes_back_with_the_same_accounts(hall: tuple[Settings, Broker]) -> None:
    settings, found = hall
    with client(settings, "node-1", SECRETS["node-1"], "sh/v1/hall/node-1/down/#") as unit:
        assert found.pid is not None
        os.kill(found.pid, signal.SIGKILL)
        until(lambda: found.restarts == 1 and unit.connects.count("Success") == 2, timeout=20)
        with client(settings, "controller", "") as controller:
            until(lambda: len(unit.granted) == 2)
            controller.publish(topics.down("hall", "node-1", "cmd"), b"again")
            until(lambda: unit.payloads(topics.down("hall", "node-1", "cmd")) == [b"again"])


def test_a_broker_that_takes_no_clients_is_started_again(settings: Settings) -> None:
    found = Broker(settings, probe_every_s=0.5, probe_timeout_s=2.0)
    found.start()
    try:
        assert broker.takes_clients(broker.login(settings))
        assert found.pid is not None
        os.kill(found.pid, signal.SIGSTOP)  # the kernel still accepts its connections
        until(lambda: found.restarts == 1, timeout=30)
        assert broker.takes_clients(broker.login(settings))
    finally:
        found.stop()


def test_secrets_are_hashed_and_files_private(settings: Settings) -> None:
    set_accounts(settings, lambda: accounts("node-1"))
    folder = settings.data_dir / "broker"
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "lock"]
    assert files
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert not any(SECRETS["node-1"] in file.read_text() for file in files)
    own = broker.login(settings).password
    assert [file.name for file in files if own in file.read_text()] == ["controller.secret"]


def test_a_port_in_use_is_one_sentence(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.mqtt_port))
        taken.listen()
        with pytest.raises(
            BrokerError, match=f"port {settings.mqtt_port} is used by another program; set mqtt_port"
        ):
            Broker(settings).start()


def test_a_missing_program_is_named(settings: Settings) -> None:
    with pytest.raises(BrokerError, match="is not a program"):
        Broker(replace(settings, broker_program="/nowhere/broker")).start()


def test_a_broker_that_will_not_start_says_why(settings: Settings) -> None:
    folder = settings.data_dir / "broker"
    folder.mkdir(parents=True)
    (folder / "jetstream").write_text("not a folder")
    broken = replace(settings, mqtt_host="256.0.0.1")
    with pytest.raises((BrokerError, OSError)):
        Broker(broken).start()


def test_an_external_broker_takes_its_login_from_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_text("hall:very:secret\n")
    file.chmod(0o644)
    external = Settings(broker="mqtts://broker.example", broker_credentials=file)
    with pytest.raises(BrokerError, match="chmod 600"):
        broker.login(external)
    file.chmod(0o600)
    found = broker.login(external)
    assert (found.host, found.port, found.user, found.password, found.is_tls) == (
        "broker.example",
        8883,
        "hall",
        "very:secret",
        True,
    )
    with pytest.raises(BrokerError, match="needs broker_credentials"):
        broker.login(replace(external, broker_credentials=None))


def test_with_a_certificate_nothing_goes_over_the_wire_in_clear(settings: Settings, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=hall -days 2"
    files = ["-keyout", str(key), "-out", str(cert), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *asked.split(), *files], check=True, capture_output=True)
    secured = replace(settings, mqtt_tls_cert=cert, mqtt_tls_key=key, mqtt_tls_ca=cert)
    with running(secured):
        own = broker.login(secured)
        assert own.is_tls
        where = session.Broker(own.host, own.port, own.user, own.password, str(own.ca), own.is_tls)
        topic, heard = topics.controller_state("hall"), list[int]()
        talker = session.Session(
            where,
            "controller",
            Guard(logging.getLogger()),
            on_message=lambda at, payload: heard.append(len(payload)),
            filters=[topic],
        )
        talker.start()
        until(lambda: talker.publish(topic, b"") and heard)
        lengths = [1, 50_000, *range(2, 99), 30_000]  # in one record and in several, none whole and many
        assert all(talker.publish(topic, b"x" * length) for length in lengths)
        until(lambda: heard[-len(lengths) :] == lengths)
        plain = Client(secured, "controller", own.password)
        until(lambda: plain.drops or plain.connects)
        assert "Success" not in plain.connects
        plain.close()
        talker.stop()
