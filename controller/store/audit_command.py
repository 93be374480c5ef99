"""The command `servicehall audit`: reading the trail of what people changed, and proving it whole."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

from sqlalchemy import Connection, Select, select

from controller.commandline import finish, parser_with_url
from controller.settings import load
from controller.store import Store, audit
from controller.store.tables import audit as trail

COLUMNS = ("id", "at", "actor", "what", "subject", "details", "previous", "hash")


def main(argv: list[str]) -> int:
    """List, export and verify the trail of what people changed."""
    words = _parser().parse_args(argv)
    return finish("audit", lambda: words.run(words.url or load(words.config).database_url, words))


def _parser() -> argparse.ArgumentParser:
    parser = parser_with_url("audit", main.__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verify = verbs.add_parser("verify", help="is every row as it was written, and none gone?")
    verify.add_argument("--anchor", action="append", default=[], help="ID:HASH, as `head` printed it once")
    verify.add_argument("--anchors", type=Path, help="a file of them, one a line")
    verify.set_defaults(run=_verify)
    head = verbs.add_parser("head", help="print the newest row's ID:HASH, to be kept elsewhere as an anchor")
    head.set_defaults(run=_head)
    rows = verbs.add_parser("list", help="the newest rows, newest first")
    rows.add_argument("--limit", type=int, default=50, help="how many (50)")
    for name, text in (("actor", "by whom"), ("what", "of which kind"), ("subject", "about what")):
        rows.add_argument(f"--{name}", help=f"only those {text}")
    rows.set_defaults(run=_list)
    export = verbs.add_parser("export", help="all rows exactly as stored, a JSON object a line, oldest first")
    export.add_argument("file", type=Path, help="a new file; - is standard output")
    export.set_defaults(run=_export)
    return parser


def _verify(url: str, words: argparse.Namespace) -> int:
    lines = words.anchors.read_text(encoding="utf-8").splitlines() if words.anchors else []
    anchors = [audit.anchor_of(line) for line in (*words.anchor, *lines) if line.strip()]
    with _existing(url) as store, store.reading() as c:
        verdict = audit.verify(c, anchors)
    if verdict.wrong is None:
        print(f"the trail is whole: {_rows(verdict.rows)}, the newest is {verdict.head}")
        return 0
    print(f"servicehall audit: {verdict.wrong}; {_rows(verdict.rows)} before that are whole", file=sys.stderr)
    return 1


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _head(url: str, words: argparse.Namespace) -> int:
    with _existing(url) as store, store.reading() as c:
        print(audit.head(c))
    return 0


def _list(url: str, words: argparse.Namespace) -> int:
    with _existing(url) as store, store.reading() as c:
        for row in c.execute(_asked(words)):
            details = json.dumps(row.details, ensure_ascii=False)
            print(
                f"{row.id:>7} {row.at:%Y-%m-%d %H:%M:%S}Z {row.actor:<14} {row.what} {row.subject} {details}"
            )
    return 0


def _asked(words: argparse.Namespace) -> Select[tuple[object, ...]]:
    asked = {name: value for name in ("actor", "what", "subject") if (value := getattr(words, name))}
    return select(trail).filter_by(**asked).order_by(trail.c.id.desc()).limit(words.limit)


def _export(url: str, words: argparse.Namespace) -> int:
    with _existing(url) as store, store.reading() as c:
        if str(words.file) == "-":
            sys.stdout.writelines(_lines(c))
            return 0
        with words.file.open("x", encoding="utf-8") as file:
            file.writelines(_lines(c))
        print(f"{words.file}: rows up to {audit.head(c)}")
    return 0


def _lines(c: Connection) -> Iterator[str]:
    for id, texts in audit.stored(c):
        row = dict(zip(COLUMNS, (id, *texts), strict=True))
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _existing(url: str) -> AbstractContextManager[Store]:
    return closing(Store.existing(url))
