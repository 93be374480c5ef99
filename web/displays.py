"""The displays of a hall: what each shows and how, chosen here with a preview and in force at once.

A display is a screen that opens the address given here, in a browser anywhere or on a unit. Hides that the
choice travels with the display's own board, so that nothing is restarted and a restart changes nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import cast

import msgspec
from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller import boards, i18n, shows
from controller.clock import real_now
from controller.hall.model import Hall, HallError
from controller.live import Live
from controller.shows import DISPLAY, LANGUAGES, LEADER, MOST_COLUMNS, MOST_ROWS, ORDERS, SHOWS, TURNS, Leader
from controller.shows import Display as Chosen
from controller.store import showing as rows
from controller.store.audit import Record, audit
from controller.store.devices import Position
from firmware.protocol.messages import DeviceConfig, Layout, Struct
from web.boards import Boards
from web.home import UNIT_ROLES
from web.visit import MAX_KEY, hall_now, me, role_required, say, the_hall, the_site

blueprint = Blueprint("displays", __name__)

NEW = "new"
LONGEST, LONGEST_PHONE = 60, 30  # characters
MOST = 200  # displays of a hall
PAGES = {"hall": "hall.html", "zone": "hall.html", "window": "window.html"}  # as in layout.js
AREA_OR_HALL = ("notices", "staff")
USUAL = Chosen(zh="", en="", board=boards.HALL, layout=Layout(shows="hall"))


class BadChoice(HallError):
    """What was chosen cannot be shown. code: of the sentence."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


@dataclass(frozen=True, slots=True)
class Listed:
    """A display in the list. where: the board's own name in words."""

    name: str
    chosen: Chosen
    where: str
    can_undo: bool
    units: tuple[str, ...]


# --- the list


@blueprint.get("/displays/<hall>")
@role_required(*UNIT_ROLES)
def page(hall: str) -> str:
    return _page(the_hall(hall))


def _page(live: Live, error: str = "") -> str:
    with the_site().store.reading() as c:
        known = {row.name: row for row in rows.all_of(c, live.id)}
    listed = [_listed(live, name, known[name]) for name in sorted(live.shows.displays) if name in known]
    leader = live.shows.leading(hall_now())
    return render_template(
        "technician/displays.html",
        hall=live.hall,
        displays=listed,
        fixed=_fixed(live.id),
        leader=leader,
        today=_today(),
        form=request.form,
        error=error,
        most_phone=LONGEST_PHONE,
        longest=LONGEST,
    )


def _listed(live: Live, name: str, row: rows.Row) -> Listed:
    chosen = live.shows.displays[name]
    book = the_site().devices.book
    placed = [one for one in book.of_kind(live.id, "screen") if one.device.board == name]
    where = dict(_places(live.hall)).get(_place_of(chosen), chosen.board)
    units = tuple(f"{one.unit}/{one.device.device}" for one in placed)
    return Listed(name, chosen, where, row.former is not None, units)


def _place_of(chosen: Chosen) -> str:
    return boards.HALL if chosen.board in boards.WHOLE else chosen.board


def _places(hall: Hall) -> list[tuple[str, str]]:
    """What a display can be for: the whole hall, an area, a window, with its name in words."""
    areas = [(boards.of_zone(one.id), i18n.in_language(g.lang, one.name)) for one in hall.plan.zones]
    windows = [
        (
            boards.of_window(one.number),
            f"{say('Window {n}', n=one.number)} {i18n.in_language(g.lang, one.name)}",
        )
        for one in hall.plan.windows
    ]
    return [(boards.HALL, say("whole hall")), *areas, *windows]


# --- one display


@blueprint.get("/displays/<hall>/<name>")
@role_required(*UNIT_ROLES)
def one(hall: str, name: str) -> str:
    live = the_hall(hall)
    chosen = USUAL if name == NEW else _known(live, name)
    return _one(live, name, chosen)


def _one(live: Live, name: str, chosen: Chosen, error: str = "") -> str:
    g.frames = ["'self'"]
    return render_template(
        "technician/display.html",
        hall=live.hall,
        name=name,
        is_new=name == NEW,
        chosen=chosen,
        place=_place_of(chosen),
        places=_places(live.hall),
        shows=SHOWS,
        orders=ORDERS,
        languages=LANGUAGES,
        turns=TURNS,
        most_columns=MOST_COLUMNS,
        most_rows=MOST_ROWS,
        longest=LONGEST,
        preview=_preview(live.id, chosen),
        pages=json.dumps({what: PAGES.get(what, "display.html") for what in SHOWS}),
        error=error,
    )


def _preview(hall: str, chosen: Chosen) -> str:
    """The address at which the layout can be seen before it is chosen."""
    layout = json.dumps(msgspec.to_builtins(msgspec.structs.replace(chosen.layout, turn=0)))
    page = PAGES.get(chosen.layout.shows, "display.html")
    return url_for("citizen.page", hall=hall, name=page, board=chosen.board, layout=layout)


@blueprint.post("/displays/<hall>/<name>")
@role_required(*UNIT_ROLES)
def choose(hall: str, name: str) -> Response | tuple[str, int]:
    """Take a layout into use; every screen that shows this display changes at once."""
    live = the_hall(hall)
    if name != NEW:
        _known(live, name)
    try:
        chosen = _chosen(live.hall)
        name = _fresh_name(live, chosen) if name == NEW else name
    except BadChoice as error:
        words = say(f"display_bad.{error.code}", **error.facts)
        return _one(live, name, _tried(), words), HTTPStatus.BAD_REQUEST
    _put(live, name, chosen, "display.put", **_facts(chosen))
    return redirect(url_for("displays.page", hall=hall), HTTPStatus.SEE_OTHER)


@blueprint.post("/displays/<hall>/<name>/undo")
@role_required(*UNIT_ROLES)
def undo(hall: str, name: str) -> Response:
    """Back to the layout before; once more, and the later one is back."""
    live, by = the_hall(hall), me().id
    _known(live, name)

    def back(c: Connection) -> None:
        if rows.undo(c, hall, name, by, real_now()) is not None:
            audit(by, "display.undo", f"{hall}/{name}", real_now())(c)

    tell(live, back)
    return redirect(url_for("displays.page", hall=hall), HTTPStatus.SEE_OTHER)


@blueprint.post("/displays/<hall>/<name>/remove")
@role_required(*UNIT_ROLES)
def remove(hall: str, name: str) -> Response:
    live, by = the_hall(hall), me().id
    _known(live, name)

    def away(c: Connection) -> None:
        if rows.remove(c, hall, name):
            audit(by, "display.remove", f"{hall}/{name}", real_now())(c)

    tell(live, away)
    return redirect(url_for("displays.page", hall=hall), HTTPStatus.SEE_OTHER)


def _known(live: Live, name: str) -> Chosen:
    chosen = live.shows.displays.get(name)
    if chosen is None:
        abort(HTTPStatus.NOT_FOUND)
    return chosen


# --- screens of units that still show one board


def _fixed(hall: str) -> list[tuple[Position, DeviceConfig]]:
    """The screens whose unit names an area's or a window's board, with where they hang."""
    positions = [one for (at, _), one in the_site().devices.book.positions.items() if at == hall]
    return [(at, one) for at in positions for one in at.config.devices if _is_fixed(one)]


def _is_fixed(device: DeviceConfig) -> bool:
    is_shown = device.board.startswith(boards.of_zone("")) or boards.window_of(device.board) is not None
    return device.kind == "screen" and is_shown


@blueprint.post("/displays/<hall>/screens/<id>/<name>")
@role_required(*UNIT_ROLES)
def take_over(hall: str, id: str, name: str) -> Response:
    """Let a unit's screen be a display: it goes on showing the same, and is chosen here from now on."""
    live = the_hall(hall)
    found = next(((at, one) for at, one in _fixed(hall) if (at.id, one.device) == (id, name)), None)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    position, device = found
    shown = "zone" if boards.window_of(device.board) is None else "window"
    zh, en = (f"{text} {device.device}".strip()[:LONGEST] for text in (position.name.zh, position.name.en))
    chosen = Chosen(zh=zh, en=en, board=device.board, layout=Layout(shows=shown))
    display = _fresh_name(live, chosen)
    _put(live, display, chosen, "display.put", **_facts(chosen))
    changed = [_hung(one, display) if one == device else one for one in position.config.devices]
    config = msgspec.structs.replace(position.config, devices=changed)
    the_site().devices.put_position(hall, id, position.name, config, real_now(), me().id)
    return redirect(url_for("displays.one", hall=hall, name=display), HTTPStatus.SEE_OTHER)


def _hung(device: DeviceConfig, display: str) -> DeviceConfig:
    """The screen as it shows the display: its page, where the unit opens one, and its board."""
    options = dict(device.options)
    if "url" in options:
        page = re.sub(r"(?:hall|window)\.html", "display.html", options["url"])
        options["url"] = page.replace(f"board={device.board}", f"board={display}")
    return msgspec.structs.replace(device, board=display, options=options)


# --- the leader on duty


@blueprint.post("/displays/<hall>/leader")
@role_required(*UNIT_ROLES)
def lead(hall: str) -> Response | tuple[str, int]:
    """Say who leads the hall until the end of a day; without a name nobody does."""
    live = the_hall(hall)
    zh, en = (" ".join(request.form.get(lang, "").split())[:LONGEST] for lang in ("zh", "en"))
    phone = request.form.get("phone", "").strip()[:LONGEST_PHONE]
    try:
        through = date.fromisoformat(request.form.get("through", ""))
    except ValueError:
        return _page(live, say("display_bad.day")), HTTPStatus.BAD_REQUEST
    if zh and through < _today():
        return _page(live, say("display_bad.day_past")), HTTPStatus.BAD_REQUEST
    leader = Leader(zh=zh, en=en, phone=phone, through=through if zh else date.min)
    _put(live, LEADER, leader, "display.leader", zh=zh, through=through.isoformat())
    return redirect(url_for("displays.page", hall=hall), HTTPStatus.SEE_OTHER)


def _today() -> date:
    return hall_now().astimezone(the_site().settings.zone).date()


# --- what is kept


def _put(live: Live, name: str, value: Struct, action: str, **facts: object) -> None:
    by = me().id

    def keep(c: Connection) -> None:
        rows.put(c, live.id, name, shows.kept(value), by, real_now())
        audit(by, action, f"{live.id}/{name}", real_now(), **facts)(c)

    tell(live, keep)


def tell(live: Live, record: Record) -> None:
    """Keep a choice, once for each key of a form, and let every screen of the hall follow it."""
    person, key = me(), request.form.get("key", "")[:MAX_KEY]
    live.submit(None, person.actor, key=f"web:{person.id}:{key}" if key else None, records=[record])
    live.shows.read()
    if live.id in the_site().bus:
        the_site().bus[live.id].screens.touch_all()
    cast(Boards, current_app.extensions["boards"]).wake(live.id)


def _facts(chosen: Chosen) -> dict[str, object]:
    return {"zh": chosen.zh, "board": chosen.board, **msgspec.to_builtins(chosen.layout)}


def _fresh_name(live: Live, chosen: Chosen) -> str:
    """Of the board of a new display, from its English name; nobody needs to type it."""
    taken = live.shows.displays
    if len(taken) >= MOST:
        raise BadChoice("most", n=MOST)
    stem = re.sub(r"[^a-z0-9]+", "-", chosen.en.lower()).strip("-")[:20].strip("-") or chosen.layout.shows
    names = (f"{DISPLAY}{stem}", *(f"{DISPLAY}{stem}-{n}" for n in range(2, MOST + 2)))
    return next(name for name in names if name not in taken)


# --- from the form


def _tried() -> Chosen:
    """The form as it came, to be shown again; what cannot be is as usual."""
    form = request.form
    shown = form.get("shows", "")
    layout = Layout(
        shows=shown if shown in SHOWS else "hall",
        columns=_number("columns", MOST_COLUMNS) or 0,
        rows=_number("rows", MOST_ROWS) or 0,
        order=form.get("order", "") if form.get("order", "") in ORDERS else "",
        lang=form.get("lang", "") if form.get("lang", "") in LANGUAGES else "zh",
        turn=_number("turn", max(TURNS)) or 0,
    )
    zh, en = (" ".join(form.get(lang, "").split()) for lang in ("zh", "en"))
    return Chosen(zh=zh[:LONGEST], en=en[:LONGEST], board=form.get("where", "")[:64], layout=layout)


def _chosen(hall: Hall) -> Chosen:
    """What the form chooses. Raises BadChoice."""
    tried, form = _tried(), request.form
    if not tried.zh:
        raise BadChoice("name")
    if form.get("shows", "") not in SHOWS:
        raise BadChoice("shows")
    for field, most in (("columns", MOST_COLUMNS), ("rows", MOST_ROWS)):
        if _number(field, most) is None:
            raise BadChoice(field, most=most)
    if tried.layout.turn not in TURNS:
        raise BadChoice("turn")
    return msgspec.structs.replace(tried, board=_board(hall, tried.layout.shows, tried.board))


def _board(hall: Hall, shown: str, where: str) -> str:
    """The board whose content is shown. Raises BadChoice when the hall has none such for this layout."""
    windows = {boards.of_window(number) for number in hall.windows}
    areas = {boards.of_zone(zone.id) for zone in hall.plan.zones}
    if where not in windows | areas | {boards.HALL}:
        raise BadChoice("gone")
    if (shown == "window") != (where in windows):
        raise BadChoice("window" if shown == "window" else "no_window")
    if shown == "zone" and where not in areas:
        raise BadChoice("zone")
    if shown in ("hall", "leader") or (shown == "notices" and where == boards.HALL):
        return boards.HALL
    return boards.STAFF if shown == "staff" and where == boards.HALL else where


def _number(field: str, most: int) -> int | None:
    """0 for an empty field, None for no number or one too large."""
    text = request.form.get(field, "").strip() or "0"
    return int(text) if text.isdecimal() and int(text) <= most else None
