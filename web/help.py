"""The pages staff work on: what each is called, and a few words of help about it in both languages.

Help is looked up by the page's endpoint, of an answer to a form by the first page of its blueprint. Search
finds pages by the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from controller import i18n


@dataclass(frozen=True, slots=True)
class Page:
    """A page that may be opened by its address alone. title: the key of its name; is_of_hall: one a hall."""

    endpoint: str
    title: str
    is_of_hall: bool = True


PAGES = (
    Page("home.home", "Halls of this site", is_of_hall=False),
    Page("home.hall", "Screens of this hall"),
    Page("manager.board", "Live board"),
    Page("manager.tickets", "Tickets"),
    Page("advising.page", "Advice"),
    Page("staffing.page", "Staffing"),
    Page("roster.week", "Roster"),
    Page("substitutes.page", "A and B persons"),
    Page("bulletins.page", "Bulletin"),
    Page("conduct.page", "Daily conduct"),
    Page("conduct_kinds.of_hall", "Kinds of conduct of the hall"),
    Page("loads.page", "Load"),
    Page("cycle.page", "The hall's day"),
    Page("booked_days.page", "Appointments"),
    Page("notices.page", "Announcements"),
    Page("displays.page", "Displays"),
    Page("quiet.page", "Quiet times"),
    Page("messages.page", "Messages"),
    Page("from_home.overview", "Tickets from home"),
    Page("estimates.estimates", "Waits told"),
    Page("jumps.jumps", "Out of turn"),
    Page("reconciling.page", "Numbers of the day"),
    Page("followups.page", "Bad ratings"),
    Page("feedback.slips", "Paper slips"),
    Page("feedback.own", "My ratings"),
    Page("trials.trials", "Try out"),
    Page("setup.overview", "Set-up"),
    Page("setup.change", "Apply the draft"),
    Page("versions.versions", "Versions"),
    Page("frontdesk.page", "Front desk"),
    Page("appointments.page", "Appointments at the desk"),
    Page("clerk.windows", "Choose a window"),
    Page("catalogue.index", "Catalogue of matters", is_of_hall=False),
    Page("item_lists.page", "Lists of matters", is_of_hall=False),
    Page("clean_ups.index", "Clean-ups", is_of_hall=False),
    Page("residency.page", "Residency and limits", is_of_hall=False),
    Page("calendar.page", "Working days", is_of_hall=False),
    Page("leader.page", "Halls at a glance", is_of_hall=False),
    Page("centres.page", "Centres", is_of_hall=False),
    Page("units.page", "My unit", is_of_hall=False),
    Page("own_conduct.of_unit", "Conduct of our people", is_of_hall=False),
    Page("own_conduct.mine", "Noted about me", is_of_hall=False),
    Page("conduct_kinds.page", "Kinds of conduct", is_of_hall=False),
    Page("technician.devices", "Units", is_of_hall=False),
    Page("technician.system", "System status", is_of_hall=False),
    Page("people.everybody", "People", is_of_hall=False),
    Page("audit.page", "Audit trail", is_of_hall=False),
    Page("privacy.page", "Personal data", is_of_hall=False),
    Page("first_hour.start", "First hour", is_of_hall=False),
    Page("auth.account", "My account", is_of_hall=False),
)
CONSOLE = "clerk.window"  # has its keys on it, and help besides
STANDING = "standings.page"  # of one matter
SEARCH = "search.search"
HELPED = (*(page.endpoint for page in PAGES), CONSOLE, STANDING, SEARCH)


def help_key() -> str:
    """The key of the help about the page that answers; "" when there is none."""
    endpoint = request.endpoint or ""
    found = endpoint if endpoint in HELPED else _first_of(endpoint.partition(".")[0])
    return f"help.{found}" if found and i18n.is_translated("zh", f"help.{found}") else ""


def _first_of(blueprint: str) -> str:
    return next((one for one in HELPED if one.startswith(f"{blueprint}.")), "")
