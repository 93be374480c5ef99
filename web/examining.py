"""The page of one unit: what was found when it tested itself, and the tests a person asks for and judges."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import i18n, selftests
from controller.bus import Bus
from controller.clock import real_now
from controller.presence import Status
from controller.selftests import Tested
from controller.store.selftests import rows
from firmware.protocol import faults
from web.clocks import steps
from web.home import UNIT_ROLES
from web.technician import unit_cards
from web.visit import hall_now, is_fragment, me, role_required, say, the_hall, the_site

blueprint = Blueprint("examining", __name__)

MOST = 12  # tests shown
OF_UNIT = ("quick", "full")
LEADS = ("device", "abilities of")  # of the names of checks that end with a device


@blueprint.get("/devices/<hall>/<unit>")
@role_required(*UNIT_ROLES)
def page(hall: str, unit: str) -> str:
    """One unit with its devices, the tests of each, what came of the last ones, and how its clock jumped."""
    now = hall_now()
    return render_template(
        "technician/_tests.html" if is_fragment() else "technician/unit.html",
        hall=the_hall(hall).hall,
        card=next((card for card in unit_cards() if card.unit == unit), None) or abort(HTTPStatus.NOT_FOUND),
        tests=_tests(hall, unit)[:MOST],
        steps=steps(hall, now - selftests.SHOWN_FOR, now + timedelta(minutes=1), unit),
        tests_of=selftests.tests_of,
        of_unit=OF_UNIT,
        asked=request.args.get("asked", ""),
        check_name=_check_name,
        check_detail=_check_detail,
        picture_of=lambda one: _picture_of(hall, one),
    )


@blueprint.get("/devices/<hall>/<unit>/<device>.jpg")
@role_required(*UNIT_ROLES)
def picture(hall: str, unit: str, device: str) -> Response:
    """What a camera saw when it was asked, for as long as no newer picture of it is there."""
    jpeg = _bus(hall, unit).pictures.of(unit, device, request.args.get("order", ""))
    if jpeg is None:
        abort(HTTPStatus.NOT_FOUND)
    return Response(jpeg, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})


@blueprint.post("/devices/<hall>/<unit>/examine")
@role_required(*UNIT_ROLES)
def examine(hall: str, unit: str) -> Response:
    """Ask the unit for a test. One that is away is not asked: it would test itself when nobody looks."""
    bus, what, device = _bus(hall, unit), request.form.get("what", ""), request.form.get("device", "")
    if what not in _possible(bus, unit, device):
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    if all(one.status is not Status.ONLINE for one in bus.units() if one.unit == unit):
        abort(HTTPStatus.CONFLICT, "unit_away")
    selftests.ask(bus, unit, what, device, me().actor)
    return _back(hall, unit, what)


@blueprint.post("/devices/<hall>/<unit>/confirm")
@role_required(*UNIT_ROLES)
def confirm(hall: str, unit: str) -> Response:
    """What a person saw or heard of a test."""
    answer, id = request.form.get("answer", ""), request.form.get("test", type=int)
    tested = next((one for one in _tests(hall, unit) if one.id == id), None)
    if tested is None or answer not in ("yes", "no"):
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    selftests.say(_bus(hall, unit), tested, answer == "yes", me().actor)
    return _back(hall, unit)


def _check_name(name: str) -> str:
    """What a unit looked at, as people say it; a name of a later version speaks for itself."""
    for lead in LEADS:
        if name.startswith(f"{lead} "):
            return say(f"check.{lead.replace(' ', '_')}", device=name.removeprefix(f"{lead} "))
    key = f"check.{name.replace(' ', '_')}"
    return say(key) if i18n.is_translated(g.lang, key) else name


def _check_detail(detail: str) -> str:
    """A fault by its cause, everything else as the unit said it."""
    return faults.words(detail, g.lang)[0]


def _picture_of(hall: str, tested: Tested) -> str:
    """The address of the picture a test asked for; "" when there is none, or none any more."""
    told, unit = tested.examined, tested.unit
    if told.what != "snapshot" or _bus(hall, unit).pictures.of(unit, told.device, told.order) is None:
        return ""
    return url_for("examining.picture", hall=hall, unit=unit, device=told.device, order=told.order)


def _bus(hall: str, unit: str) -> Bus:
    """The bus of a hall that has this unit."""
    bus = the_site().bus.get(hall)
    if bus is None or all(one.id != unit for one in bus.devices.book.units_of(hall)):
        abort(HTTPStatus.NOT_FOUND)
    return bus


def _possible(bus: Bus, unit: str, device: str) -> tuple[str, ...]:
    config = bus.devices.book.device(unit, device)
    return OF_UNIT if not device else () if config is None else selftests.tests_of(config)


def _tests(hall: str, unit: str) -> list[Tested]:
    with the_site().store.reading() as c:
        trail = rows(c, hall, real_now() - selftests.SHOWN_FOR)
    return [one for one in selftests.tested(trail) if one.unit == unit]


def _back(hall: str, unit: str, asked: str = "") -> Response:
    address = url_for("examining.page", hall=hall, unit=unit, asked=asked or None)
    return redirect(address, HTTPStatus.SEE_OTHER)
