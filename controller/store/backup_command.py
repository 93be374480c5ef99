"""The commands `servicehall backup` and `servicehall restore`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from controller.clock import real_now
from controller.hall.model import HallError
from controller.settings import load
from controller.store import backup


def back_up(argv: list[str]) -> int:
    """Copy the database, also while the controller runs, and prove that the copy is whole."""
    parser = _parser("servicehall backup", back_up.__doc__)
    parser.add_argument("target", type=Path, help="file to make, or a folder to put it in, named by the time")
    parser.add_argument("--keep", type=_count, help="of a folder: delete all but so many backups afterwards")
    return _run(parser, argv, _back_up)


def restore(argv: list[str]) -> int:
    """Put a backup in the database's place; the controller must be stopped."""
    parser = _parser("servicehall restore", restore.__doc__)
    parser.add_argument("file", type=Path, help="a backup, from whichever kind of database")
    parser.add_argument("--force", action="store_true", help="also when there is a hall in the database")
    return _run(parser, argv, _restore)


def _parser(name: str, description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(name, description=description)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-c", "--config", type=Path, default=Path("controller.toml"), help="settings file")
    where.add_argument("--url", help="database instead: sqlite:////path/hall.sqlite or postgresql://...")
    return parser


def _run(
    parser: argparse.ArgumentParser, argv: list[str], work: Callable[[str, argparse.Namespace], None]
) -> int:
    words = parser.parse_args(argv)
    try:
        work(words.url or load(words.config).database_url, words)
    except HallError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{parser.prog}: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _back_up(url: str, words: argparse.Namespace) -> None:
    os.nice(10)  # an open hall goes first
    file, report = backup.write(url, words.target, real_now())
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB; {report}; replayed, and all of it agrees")
    if words.keep is not None:
        for gone in backup.prune(file.parent, words.keep):
            print(f"{gone}: deleted")
    if not words.url:  # the status page tells how old the last one is
        (load(words.config).data_dir / backup.LAST).touch()


def _restore(url: str, words: argparse.Namespace) -> None:
    done = backup.restore(words.file, url, real_now(), words.force)
    if done.aside is not None:
        print(f"{done.aside}: what the database held before")
    print(f"the database holds what the backup did: {done.report}; everybody signs in anew")


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number of backups")
    return int(word)
