"""The command `servicehall simulate`: compares the hall as it is with the hall as it might be."""

from __future__ import annotations

import argparse
import csv
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from controller import hall_file
from controller.hall.engine import new_hall
from controller.hall.model import Hall, HallError
from controller.holidays import shipped_calendar
from controller.settings import Settings, load
from controller.store import Store, log, past
from controller.trials.compare import MEASURES, Difference
from controller.trials.day import Day
from controller.trials.variant import RULES, Variant, settings_of
from controller.trials.work import (
    MOST_DAYS,
    MOST_REPEATS,
    NothingToPlay,
    Request,
    Result,
    made_up_days,
    prepared,
    run,
)

MORE = """
examples
  the last 20 days of the hall, calling in order of waiting instead:
      servicehall simulate --last 20 --rule oldest
  one day ten times over, with one window more in the afternoon:
      servicehall simulate --day 2026-03-02 --repeats 10 --staff 4=13:00-17:00
  no site yet, only a hall's file: thirty made-up days of 400 citizens, opening half an hour earlier:
      servicehall simulate --file hall.json --made-up 30 --per-day 400 --hours 08:30-17:00
  figures for a spreadsheet:
      servicehall simulate --last 20 --set balance.short_first=0 --csv > days.csv

rules
  balanced   what the hall comes with: class, wait, length, who is good at it, crowded sections
  oldest     whoever has waited longest
  classes    green before appointment before others, each in order of waiting
  growing    claims grow with the wait, for higher classes faster (accumulating priority)
  own_hand   like the hall's, but only class, wait and who is good at it count
  short      short matters first, each passed at most so often

Waits are in minutes from ticket to first call. A margin is half the 95 % interval of the difference, over
days, or over repeats of a single day.
"""

DAY_HELP = "a past day, like 2026-03-02; may be given several times"


def main(argv: list[str]) -> int:
    """Play past or made-up days under other rules, windows or hours, and compare."""
    words = _parser().parse_args(argv)
    try:
        if words.settings_list:
            print(
                "\n".join(f"{name} = {value}" for name, value in settings_of(_hall(words).plan.rules).items())
            )
            return 0
        result = _compare(words)
    except (HallError, OSError, ValueError) as error:
        print(f"servicehall simulate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nservicehall simulate: stopped", file=sys.stderr)
        return 130
    _show(result, words)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "servicehall simulate",
        description=main.__doc__,
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("-c", "--config", type=Path, default=Path("controller.toml"), help="settings file")
    source.add_argument("--file", type=Path, help="a hall file instead; only made-up days are known then")
    parser.add_argument("--hall", help="its id; needed when the site has several")
    days = parser.add_argument_group("days")
    days.add_argument(
        "--day", action="append", type=date.fromisoformat, default=[], metavar="DATE", help=DAY_HELP
    )
    days.add_argument("--last", type=int, metavar="N", help="the last N days with tickets (default: 5)")
    days.add_argument("--made-up", type=int, default=0, metavar="N", help="N days drawn by chance")
    days.add_argument("--per-day", type=float, default=400.0, metavar="N", help="citizens of a made-up day")
    days.add_argument("--repeats", type=int, default=1, metavar="N", help="play each day N times")
    days.add_argument("--seed", type=int, default=1, help="of all chance; the same seed, the same answer")
    other = parser.add_argument_group("what is different")
    other.add_argument("--rule", choices=tuple(RULES), default="", help="whom a window calls (below)")
    other.add_argument("--rule-at", type=int, metavar="WINDOW", help="the rule only at this window")
    other.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting")
    other.add_argument("--settings", dest="settings_list", action="store_true", help="list them and end")
    other.add_argument("--window", action="append", default=[], metavar="N=QUEUES", help="3='A B@1 T!'")
    other.add_argument("--staff", action="append", default=[], metavar="N=TIMES", help="3='09:00-12:00'")
    other.add_argument("--hours", default="", metavar="TIMES", help="opening hours: 08:30-17:00")
    out = parser.add_mutually_exclusive_group()
    out.add_argument("--json", action="store_true", help="print everything as JSON")
    out.add_argument("--csv", action="store_true", help="print a row per day and way")
    return parser


def _variant(words: argparse.Namespace) -> Variant:
    return Variant(
        rule=words.rule,
        rule_at=words.rule_at,
        settings=_pairs(words.set),
        windows=_pairs(words.window),
        staff=_pairs(words.staff),
        hours=words.hours,
    )


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise ValueError(f"{text!r} is not like NAME=VALUE")
        found[name.strip()] = value.strip()
    return found


def _compare(words: argparse.Namespace) -> Result:
    if not 1 <= words.repeats <= MOST_REPEATS:
        raise ValueError(f"--repeats is 1 to {MOST_REPEATS}")
    if words.file:
        return _compare_file(words)
    settings = load(words.config)
    with closing(Store.existing(settings.database_url)) as store:
        request = _request(store, words)
        hall, days = prepared(store, request, settings.zone)
    return run(hall, days, request, settings.zone, _bar)


def _compare_file(words: argparse.Namespace) -> Result:
    if words.day or words.last:
        raise NothingToPlay("a hall file has no past days; use --made-up")
    hall, zone = _hall(words), ZoneInfo(Settings().time_zone)
    request = Request(
        hall.id, _variant(words), (), _count(words.made_up or 10), words.per_day, words.repeats, words.seed
    )
    days: list[Day] = made_up_days(hall, request, date(2026, 1, 2), zone, shipped_calendar())
    return run(hall, days, request, zone, _bar)


def _hall(words: argparse.Namespace) -> Hall:
    """The hall of the file or, of a site, as it stands."""
    if words.file:
        described = hall_file.decode(words.file.read_bytes())
        return new_hall(described.id, described.plan)
    with closing(Store.existing(load(words.config).database_url)) as store, store.reading() as c:
        return log.load(c, _hall_id(log.halls(c), words.hall))[0]


def _request(store: Store, words: argparse.Namespace) -> Request:
    with store.reading() as c:
        hall = _hall_id(log.halls(c), words.hall)
        last = 0 if words.day or words.made_up else _count(words.last or 5)
        found = [day for day, _ in past.days(c, hall, last)]
    return Request(
        hall,
        _variant(words),
        tuple(sorted({*words.day, *found})),
        _count(words.made_up or 1) if words.made_up else 0,
        words.per_day,
        words.repeats,
        words.seed,
    )


def _hall_id(known: list[str], wanted: str | None) -> str:
    if wanted in known:
        return wanted
    if wanted is None and len(known) == 1:
        return known[0]
    raise NothingToPlay(f"name a hall with --hall; there are: {', '.join(known) or 'none yet'}")


def _count(days: int) -> int:
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"between 1 and {MOST_DAYS} days can be compared, not {days}")
    return days


# --- showing it ---------------------------------------------------------------------------------------


def _bar(done: int, of: int) -> None:
    """How far it is, where somebody watches."""
    if sys.stderr.isatty():
        full = 40 * done // of
        end = "\n" if done == of else ""
        print(f"\r[{'#' * full}{'.' * (40 - full)}] {done}/{of}", end=end, file=sys.stderr, flush=True)


def _show(result: Result, words: argparse.Namespace) -> None:
    if words.json:
        print(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())
    elif words.csv:
        write_csv(result, sys.stdout)
    else:
        print("\n".join(table(result)))


def write_csv(result: Result, out: object) -> None:
    """A row per day and way: day, way, then every key figure. out: a text file."""
    rows = csv.writer(out)  # type: ignore[arg-type]
    codes = [measure.code for measure in MEASURES]
    rows.writerow(["day", "way", *codes])
    for name, first, second in zip(result.names, result.first, result.second, strict=True):
        for way, figures in (("as it is", first), ("changed", second)):
            rows.writerow(
                [name, way, *("" if figures.get(code) is None else figures[code] for code in codes)]
            )


def table(result: Result) -> list[str]:
    """The comparison as lines of a table."""
    lines = [
        f"{len(result.names)} days, {result.tickets} citizens, each day played {result.repeats} times",
        "",
        f"{'':<18}{'recorded':>10}{'as it is':>10}{'changed':>10}{'difference':>12}{'95 % margin':>13}",
    ]
    return lines + [_row(one, result.recorded.get(one.code)) for one in result.differences]


def _row(one: Difference, recorded: float | None) -> str:
    unit = next(measure.unit for measure in MEASURES if measure.code == one.code)
    margin = "-" if one.margin is None else f"+-{_number(one.margin, unit)}"
    cells = [_number(recorded, unit), _number(one.first, unit), _number(one.second, unit)]
    name = one.code.replace("_", " ")
    row = f"{name:<18}" + "".join(f"{cell:>10}" for cell in cells)
    verdict = one.verdict()
    row += f"{_number(one.change, unit, '+'):>12}{margin:>13}"
    return row if verdict in ("unsure", "neutral") else f"{row}  {verdict}"


def _number(value: float | None, unit: str, sign: str = "") -> str:
    if value is None:
        return "-"
    return f"{100 * value:{sign}.1f} %" if unit == "share" else f"{value:{sign}.2f}"
