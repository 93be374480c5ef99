"""The commands `servicehall backup` and `servicehall restore`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from controller.clock import real_now
from controller.commandline import finish, parser_with_url
from controller.settings import load
from controller.store import backup
from controller.trials import packed


def back_up(argv: list[str]) -> int:
    """Copy the database, also while the controller runs, and prove that the copy is whole."""
    parser = parser_with_url("backup", back_up.__doc__)
    parser.add_argument("target", type=Path, help="file to make, or a folder to put it in, named by the time")
    parser.add_argument("--keep", type=_count, help="of a folder: delete all but so many backups afterwards")
    words = parser.parse_args(argv)
    return finish("backup", lambda: _back_up(_url(words), words))


def restore(argv: list[str]) -> int:
    """Put a backup in the database's place; the controller must be stopped."""
    parser = parser_with_url("restore", restore.__doc__)
    parser.add_argument("file", type=Path, help="a backup, from whichever kind of database")
    parser.add_argument("--force", action="store_true", help="also when there is a hall in the database")
    words = parser.parse_args(argv)
    return finish("restore", lambda: _restore(_url(words), words))


def _url(words: argparse.Namespace) -> str:
    return words.url or load(words.config).database_url


def _back_up(url: str, words: argparse.Namespace) -> None:
    os.nice(10)  # an open hall goes first
    file, report = backup.write(url, words.target, real_now())
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB; {report}; replayed, and all of it agrees")
    if words.keep is not None:
        for gone in backup.prune(file.parent, words.keep):
            gone.with_suffix(packed.SUFFIX).unlink(missing_ok=True)
            print(f"{gone}: deleted")
    if not words.url:
        _back_up_beside(load(words.config).data_dir, file)


def _back_up_beside(data_dir: Path, file: Path) -> None:
    """What is not in the database; and the status page tells how old the last backup is."""
    beside = file.with_suffix(packed.SUFFIX)
    if count := packed.pack(data_dir / "trials", beside):
        print(f"{beside}: results of trials, {count}")
    (data_dir / backup.LAST).touch()


def _restore(url: str, words: argparse.Namespace) -> None:
    done = backup.restore(words.file, url, real_now(), words.force)
    if done.aside is not None:
        print(f"{done.aside}: what the database held before")
    print(f"the database holds what the backup did: {done.report}; everybody signs in anew")
    beside = words.file.with_suffix(packed.SUFFIX)
    if not words.url and beside.exists():
        count = packed.unpack(beside, load(words.config).data_dir / "trials")
        print(f"{beside}: results of trials put back, {count}")


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number of backups")
    return int(word)
