"""unit.toml: a wrong file is refused with one sentence that names what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.settings import BadSettings, load, read

GOOD = {"hall": "hall", "unit": "node-1", "broker": "mqtt://127.0.0.1:1884", "token": "secret"}
PEM = """-----BEGIN CERTIFICATE-----
c29tZSBjZXJ0aWZpY2F0ZQ==
-----END CERTIFICATE-----
"""
PEM_SHA256 = "sha256:fe3bbabd5ebf10c8f0d94aa4bc0dd8d2b1cd9e8eb1abf3bdb3a0bc05e7e3a0a0"


def written(folder: Path, *lines: str, mode: int = 0o600) -> Path:
    file = folder / "unit.toml"
    known = [f'{key} = "{value}"' for key, value in GOOD.items()]
    file.write_text("\n".join([*known, *lines]) + "\n")
    file.chmod(mode)
    return file


def test_the_file_unit_add_writes_is_enough(tmp_path):
    settings = load(written(tmp_path))
    assert (settings.hall, settings.unit, settings.data_dir) == ("hall", "node-1", tmp_path / "data")
    login = settings.login
    assert (login.host, login.port, login.user, login.secret) == ("127.0.0.1", 1884, "node-1", "secret")
    assert settings.pages_address is None


def test_pages_and_timing_are_taken_over(tmp_path):
    settings = load(written(tmp_path, 'pages = "127.0.0.1:8090"', "resend_s = 1", "keepalive_s = 5"))
    assert settings.pages_address == ("127.0.0.1", 8090)
    assert (settings.timing.resend_s, settings.timing.session.keepalive_s) == (1.0, 5)


def test_a_token_may_stand_in_a_file_of_its_own(tmp_path):
    (tmp_path / "token").write_text("from file\n")
    (tmp_path / "token").chmod(0o600)
    file = tmp_path / "unit.toml"
    file.write_text('hall="h"\nunit="u"\nbroker="mqtt://localhost"\ntoken_file="token"\n')
    assert load(file).login.secret == "from file"


def test_a_secret_that_others_may_read_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(BadSettings, match=r"others may read it; run: chmod 600 .*unit\.toml"):
        load(written(tmp_path, mode=0o644))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tokn": "x"}, "unknown setting 'tokn' in unit.toml; did you mean token"),
        ({"unit": "Node 1"}, "'unit' in unit.toml must be 1 to 32 of a-z"),
        ({"hall": 7}, "'hall' in unit.toml must be a text, not 7"),
        ({"token": ""}, "either 'token' or 'token_file'"),
        ({"broker": "tcp://x"}, "write mqtt://host:port"),
        ({"broker": "mqtt://10.0.0.1"}, "would send the token unencrypted; use mqtts://"),
        ({"pages": "8090"}, "'pages' in unit.toml must be host:port"),
        ({"pages": "0.0.0.0:8090"}, "must be a loopback address"),
        ({"window": 0}, "'window' in unit.toml must be more than 0"),
        ({"ca_file": "nowhere.pem"}, "which is not a file"),
    ],
)
def test_wrong_settings_are_named(wrong, said):
    with pytest.raises(BadSettings) as caught:
        read(GOOD | wrong, Path("unit.toml"))
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["hall", "unit", "broker"])
def test_a_missing_setting_is_named_with_who_writes_it(name):
    table = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BadSettings, match=f"'{name}' is missing .* `servicehall unit add`"):
        read(table, Path("unit.toml"))


def test_another_authority_than_the_named_one_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text(PEM)
    with pytest.raises(BadSettings, match="is not the authority"):
        load(written(tmp_path, 'ca_file = "ca.pem"', f'ca_fingerprint = "{PEM_SHA256}"'))


@pytest.mark.parametrize("text", ["hall = ", "\x00", "[[unit]"])
def test_what_is_no_toml_is_said_so(tmp_path, text):
    file = tmp_path / "unit.toml"
    file.write_text(text)
    with pytest.raises(BadSettings, match="is not TOML"):
        load(file)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(BadSettings, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")
