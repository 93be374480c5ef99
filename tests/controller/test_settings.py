"""One file of settings: what an empty one gives, and the sentence a wrong one gets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from controller.roles import Role
from controller.settings import BadSettings, Settings, load


def written(folder: Path, text: str) -> Path:
    path = folder / "controller.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(BadSettings) as caught:
        load(written(folder, text))
    return str(caught.value)


def test_an_empty_file_runs_a_controller_on_loopback(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.http_host == settings.mqtt_host == "127.0.0.1"
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/hall.sqlite"
    assert settings.broker_url == "mqtt://127.0.0.1:1884"
    assert settings.slip_url == "http://127.0.0.1:8080"


def test_an_unknown_key_is_named_with_its_nearest_neighbours_and_its_file(tmp_path: Path) -> None:
    text = complaint(tmp_path, "http_prot = 8080")
    assert "'http_prot'" in text
    assert "http_port" in text
    assert str(tmp_path / "controller.toml") in text


def test_a_key_like_no_other_gets_the_list_of_known_keys(tmp_path: Path) -> None:
    assert "known settings are: data_dir" in complaint(tmp_path, "zzzz = 1")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('http_port = "8080"', "setting 'http_port'"),
        ("http_port = true", "must be a whole number, not True"),
        ("http_port = 70000", "must be a port from 1 to 65535"),
        ("speech_english = 1", "must be true or false"),
        ("data_dir = 3", "must be a path"),
        ("order_ttl_s = 0", "must be more than 0"),
        ('time_zone = "Peking"', "like Asia/Shanghai"),
        ('broker = "rabbit"', "must be nats, mosquitto"),
        ('broker = "mqtts://me:secret@hall:8883"', "broker_credentials"),
        ('broker = "mqtt://broker.example:1883"', "use mqtts://"),
        ('mqtt_tls_cert = "a.pem"', "belong together"),
        ("= 3", "is not TOML"),
    ],
)
def test_a_wrong_value_gets_one_sentence_naming_the_key(tmp_path: Path, line: str, sentence: str) -> None:
    text = complaint(tmp_path, line)
    assert sentence in text
    assert "\n" not in text
    assert str(tmp_path) in text


def test_a_whole_number_serves_where_a_fraction_may_stand(tmp_path: Path) -> None:
    assert load(written(tmp_path, "order_ttl_s = 5")).order_ttl_s == 5.0


def test_a_broker_open_to_the_network_without_tls_is_refused_with_the_remedy(tmp_path: Path) -> None:
    text = complaint(tmp_path, 'mqtt_host = "0.0.0.0"')
    assert "mqtt_tls_cert and mqtt_tls_key" in text


def test_a_web_face_open_to_the_network_needs_tls_or_a_proxy(tmp_path: Path) -> None:
    assert "behind_proxy = true" in complaint(tmp_path, 'http_host = "0.0.0.0"')
    assert load(written(tmp_path, 'http_host = "0.0.0.0"\nbehind_proxy = true')).behind_proxy


def test_certificates_open_both_listeners_to_the_network(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    lines = [f'{leg}_tls_{part} = "{part}.pem"' for leg in ("http", "mqtt") for part in ("cert", "key")]
    settings = load(written(tmp_path, "\n".join(['http_host = "::"', 'mqtt_host = "10.0.0.5"', *lines])))
    assert settings.broker_url == "mqtts://10.0.0.5:1884"
    assert settings.web_url.startswith("https://")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_a_public_url_is_what_slips_point_to() -> None:
    assert Settings(public_url="https://hall.example/").slip_url == "https://hall.example"


def test_a_form_of_the_log_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert "must be text or json, not 'xml'" in complaint(tmp_path, 'log_format = "xml"')


def test_a_token_for_the_figures_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file, text = tmp_path / "metrics.token", 'metrics_token_file = "metrics.token"'
    file.write_text("token")
    file.chmod(0o644)
    assert "only its owner may read" in complaint(tmp_path, text)
    file.chmod(0o600)
    assert load(written(tmp_path, text)).metrics_token_file == file


def test_tables_and_lists_of_roles_name_roles(tmp_path: Path) -> None:
    read = load(written(tmp_path, 'second_factor_roles = ["clerk"]\n[idle_minutes]\nadmin = 5'))
    assert read.needs_second_factor(frozenset({Role.CLERK, Role.GUIDE}))
    assert not read.needs_second_factor(frozenset({Role.ADMIN}))
    assert read.policy.idle_of([Role.ADMIN]) == timedelta(minutes=5)
    assert read.policy.idle_of([Role.CLERK]) == timedelta(hours=2)
    assert "boss" in complaint(tmp_path, 'second_factor_roles = ["boss"]')
    assert "boss" in complaint(tmp_path, "[idle_minutes]\nboss = 5")
    assert "list of texts" in complaint(tmp_path, 'second_factor_roles = "admin"')
    assert "table of numbers" in complaint(tmp_path, "idle_minutes = 5")
    assert "above 0" in complaint(tmp_path, "[idle_minutes]\nadmin = 0")
