"""The command `servicehall store`: making, checking and filling the database of a controller."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path

from controller.clock import real_now
from controller.commandline import finish, parser_with_url
from controller.settings import load
from controller.store import Store, inspection, integrity, items_file, log, tables
from controller.store.devices import catalogue_changed
from controller.store.records import upsert


def main(argv: list[str]) -> int:
    """Migrate, check, inspect and fill the database of a controller."""
    words = _parser().parse_args(argv)
    return finish("store", lambda: words.run(words.url or load(words.config).database_url, words))


def _parser() -> argparse.ArgumentParser:
    parser = parser_with_url("store", main.__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verbs.add_parser("migrate", help="make the database, or bring it to this version").set_defaults(
        run=_migrate
    )
    verbs.add_parser("check", help="is it whole, and does its log lead to what it says?").set_defaults(
        run=_check
    )
    verbs.add_parser("rebuild", help="make the rows of lists again from the log").set_defaults(run=_rebuild)
    verbs.add_parser("inspect", help="what is in it").set_defaults(run=_inspect)
    items = verbs.add_parser("import-items", help="service items from a CSV file: department,name,item_code")
    items.add_argument("file", type=Path)
    items.set_defaults(run=_import_items)
    return parser


def _migrate(url: str, words: argparse.Namespace) -> int:
    Store.open(url, real_now()).close()
    print("the database has the schema of this version")
    return 0


def _check(url: str, words: argparse.Namespace) -> int:
    with _existing(url) as store, store.reading() as c:
        report = integrity.examine(c)
    for problem in report.problems:
        print(f"servicehall store: {problem}", file=sys.stderr)
    if not report.problems:
        print(f"the database is whole, and every hall's log leads to what it says: {report}")
    return 1 if report.problems else 0


def _rebuild(url: str, words: argparse.Namespace) -> int:
    with _existing(url) as store, store.writing() as c:
        for hall in log.halls(c):
            print(f"hall {hall}: {log.rebuild(c, hall)} tickets")
    return 0


def _inspect(url: str, words: argparse.Namespace) -> int:
    with _existing(url) as store, store.reading() as c:
        print("\n".join(inspection.lines(c)))
    return 0


def _import_items(url: str, words: argparse.Namespace) -> int:
    rows = items_file.read_items(words.file)
    with _existing(url) as store, store.writing() as c:
        upsert(c, tables.item, rows)
        catalogue_changed(c)
    print(f"{len(rows)} items are in the catalogue")
    return 0


def _existing(url: str) -> AbstractContextManager[Store]:
    return closing(Store.existing(url))
