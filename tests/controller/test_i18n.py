"""Both languages say everything: every text the pages use, every refusal, every word of every list."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from controller import i18n
from controller.devices import KINDS as DEVICE_KINDS
from controller.hall import events
from controller.hall.bookings import AppointmentState, Way
from controller.hall.drafting import KEYS, WHOLE
from controller.hall.followups import TAKES, Ground, Stage
from controller.hall.impact import CODES
from controller.hall.model import (
    Clerk,
    DayState,
    Department,
    Outcome,
    PauseReason,
    Queue,
    Refused,
    Rules,
    Slip,
    Text,
    TicketClass,
    TicketState,
    Window,
    WindowMode,
    WindowState,
)
from controller.hall.notices import When
from controller.hall.ratings import LEVELS
from controller.hall.ratings import Channel as RatingChannel
from controller.hall.reconciliation import Origin, Why
from controller.hall.refusals import REFUSALS
from controller.hall.sessions import SessionKind, SessionMode
from controller.item_standing import FIELDS as STANDING_FIELDS
from controller.item_standing import Category, Change, Kind, Residency
from controller.keeping import DataClass
from controller.message_settings import CARRIERS
from controller.messaging.templates import Event
from controller.people import ActorKind, Role
from controller.selftests import TESTS
from controller.store.clean_ups import State as CleanUpState
from controller.store.messages import Channel, State
from controller.store.publications import Channel as PublishedBy
from web import bulletins, cycle, item_lists
from web.audit import FAMILIES as FAMILIES_OF_KINDS
from web.audit import KINDS
from web.examining import OF_UNIT
from web.first_steps import STEPS
from web.followups import KINDS as DEEDS
from web.followups import VIEWS
from web.help import HELPED
from web.people import STATES
from web.report_files import FORMS
from web.status import GOALS_S, LOOKS, OWN_PARTS, PARTS
from web.tickets import COLUMNS

ROOT = Path(__file__).parents[2]
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "say": None, "ngettext": (1, 2), "t": (2,), "tn": (2, 3)}
PIECES = (Queue, Window, Clerk, Department)
OWN = ("id", "code")  # never another one
DOTTED = re.compile(r"[a-z_]+(\.[A-Za-z0-9_]+)+")  # a key, not an English text
FAMILIES: dict[str, Iterable[str]] = {
    "ticket_state": TicketState,
    "window_state": WindowState,
    "day_state": DayState,
    "appointment_state": AppointmentState,
    "way": Way,
    "session": SessionKind,
    "session_mode": SessionMode,
    "class": TicketClass,
    "outcome": Outcome,
    "pause": PauseReason,
    "mode": WindowMode,
    "slip": Slip,
    "role": Role,
    "actor": ActorKind,
    "look": ("light", "dark", "contrast"),
    "urgency": ("red", "amber", "blue", "green"),
    "why": ("turn", "appointment", "green", "overdue", "transfer"),
    "alarm": ("window_lost", "pause_overdue", "unserved", "long_wait"),
    "error": (
        "400",
        "401",
        "403",
        "404",
        "405",
        "413",
        "500",
        "503",
        "form_expired",
        "other_origin",
        "password_given",
        "second_factor_needed",
        "seal_lost",
        "not_at_kiosk",
        "not_waiting",
        "nothing_before",
        *("rating_staff", "not_your_step"),
    ),
    "refused": (
        *REFUSALS,
        "nothing_to_apply",
        "planner_gone",
        "roster_order",
        "roster_step",
        "roster_overlap",
        "not_allowed",
        "not_your_window",
        "not_your_hall",
        "password_wrong",
        "password_same",
        "password_weak",
        "password_locked",
        "person_id",
        "person_name",
        "person_number",
        "number_taken",
        "last_admin",
        "own_right",
        "code_wrong",
        "oidc_failed",
        "oidc_late",
        "oidc_refused",
        "oidc_unknown",
        "code_late",
        "at_window",
        "day_not_over",
        "no_such_ticket",
        *("told_before", "bad_phone", "no_case"),
        "factor_there",
        "home_shut",
        "home_unused",
        "home_enough",
        "home_crowd",
        "template_length",
        "template_unknown",
        "template_lacks",
        "template_braces",
        "bad_card",
        "nobody_rostered",
        *("matter_ended", "unknown_matter"),
        "card_and_phone",
    ),
    "audited": KINDS,
    "rating": LEVELS,
    "rating_view": VIEWS,
    "rating_stage": Stage,
    "rating_turn": [stage for stage, takes in TAKES.items() if takes],
    "rating_channel": RatingChannel,
    "rating_ground": Ground,
    "rating_deed": DEEDS,
    "rating_deed_about": DEEDS,
    "rating_deed_words": set(DEEDS) - {"fix", "appeal", "extend", "close"},
    "rating_step": ["opened", *(kind.__name__ for kind in DEEDS.values())],
    "rating_said": ("measure", "responsible", "answer"),
    "audit_family": [family.strip(".") for family in FAMILIES_OF_KINDS],
    "account": STATES,
    "done": (
        "added",
        "changed",
        "disable",
        "enable",
        "sessions_end",
        "unlock",
        "second_factor_off",
        "erased",
    ),
    "data_class": DataClass,
    "data_class_what": DataClass,
    "role_may": Role,
    "setup_section": KEYS,
    "setup_piece": KEYS,
    "setup_new": KEYS,
    "setup_field": (*WHOLE, *(one.name for kind in PIECES for one in fields(kind) if one.name not in OWN)),
    "setup_bad": (
        "hours",
        "date",
        "code",
        "taken",
        "name",
        "number",
        "no_person",
        "due",
        "due_past",
        "windows",
    ),
    "roster_doubt": ("double", "unskilled", "gone", "off_duty"),
    "start_step": STEPS,
    "help": HELPED,
    "found": ("tickets", "windows", "queues", "people", "matters", "pages"),
    "rule": [one.name for one in fields(Rules)],
    "consequence": CODES,
    "difference": ("added", "removed", "changed", "reordered"),
    "weekday": map(str, range(7)),
    "step": GOALS_S,
    "part": PARTS,
    "verdict": LOOKS,
    "part_look": LOOKS,
    "goal": ("green", "red"),
    "origin": Origin,
    "gap": Why,
    "reconciled": ("source", "gap", "doubt", "correction", "late_vote", "clock"),
    "device_kind": DEVICE_KINDS,
    "test": (*OF_UNIT, *(test for tests in TESTS.values() for test in tests)),
    "test_question": (*OF_UNIT, *(test for tests in TESTS.values() for test in tests)),
    "lapse": OWN_PARTS,
    "figure": bulletins.KINDS,
    "figures": [group for group in bulletins.FIGURES if group != "visits"],
    "happened": bulletins.ATTENTION,
    "file": FORMS,
    "check": cycle.CHECKS,
    "check_not": cycle.CHECKS,
    "checked": cycle.LOOKS,
    "glance": ("green", "amber", "red", "closed"),
    "notice": When,
    "message_state": State,
    "message_event": Event,
    "message_meaning": ("rated", "stop", "start", "words"),
    "message_why": ("not_invited", "which_visit", "not_understood"),
    "message_done": ("test", "again"),
    "channel": Channel,
    "published_by": PublishedBy,
    "item_change": Change,
    "item_category": Category,
    "item_list": item_lists.KINDS,
    "residency": Residency,
    "change": Kind,
    "standing_field": STANDING_FIELDS,
    "standing": ("too_long", "needed", "once_done", "visits", "unknown_word", "ended"),
    "clean_up": ("no_code", "twice", "empty"),
    "clean_up_state": CleanUpState,
    "carrier": CARRIERS,
    "part_well": ("store", "halls", "broker", "devices"),
    "part_out": ("store", "halls", "broker"),
    "part_remedy": ("store", "halls", "broker", "broker_restarts", "units", "disk", "backup"),
    "event": [kind.__name__ for kind in get_args(events.Event) if "ticket" in kind.__annotations__],
}


def used() -> Iterator[tuple[str, str]]:
    """Every text that code or a page asks for by name, and where."""
    for folder in ("web", "controller"):
        for file, _, found, _, _ in extract_from_dir(ROOT / folder, METHODS, keywords=KEYWORDS):
            yield (found if isinstance(found, str) else found[0]), f"{folder}/{file}"


def test_every_text_of_the_pages_is_there_in_chinese() -> None:
    missing = {f"{key!r} in {file}" for key, file in used() if key and not i18n.is_translated("zh", key)}
    assert not missing


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_no_text_is_translated_in_two_ways(lang: str) -> None:
    """Which of them a page gets would depend on the order of the files."""
    known: dict[str, str] = {}
    for file in sorted((i18n.LOCALE / lang / "LC_MESSAGES").glob("*.po")):
        for one in read_po(BytesIO(file.read_bytes())):
            if one.id:
                text = str(one.string)
                assert known.setdefault(str(one.id), text) == text, (one.id, file.name)


def test_every_key_that_is_no_english_text_is_there_in_english() -> None:
    keys = [(key, file) for key, file in used() if DOTTED.fullmatch(key)]
    assert not {f"{key!r} in {file}" for key, file in keys if not i18n.is_translated("en", key)}


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_of_a_list_is_translated(lang: str, family: str) -> None:
    keys = [f"{family}.{value}" for value in FAMILIES[family]]
    assert [key for key in keys if not i18n.is_translated(lang, key)] == []


def test_the_columns_of_the_file_for_a_spreadsheet_are_translated() -> None:
    assert [column for column in COLUMNS if not i18n.is_translated("zh", column)] == []


def _facts(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_chinese_refusals_mention_only_what_the_rules_tell() -> None:
    for code, english in REFUSALS.items():
        chinese = i18n.unfilled("zh", f"refused.{code}")
        assert _facts(chinese) <= _facts(english), code


def test_no_chinese_text_mentions_a_fact_its_key_does_not_have() -> None:
    for key in i18n.messages("zh"):
        if not DOTTED.fullmatch(key):
            assert _facts(i18n.unfilled("zh", key)) <= _facts(key) | {"n"}, key


def test_texts_are_filled_with_facts() -> None:
    assert i18n.t("zh", "Window {n}", n=3) == "3 号窗口"
    assert i18n.t("en", "Window {n}", n=3) == "Window 3"


def test_counting_follows_the_language() -> None:
    assert i18n.tn("en", "{n} minute", "{n} minutes", 1) == "1 minute"
    assert i18n.tn("en", "{n} minute", "{n} minutes", 2) == "2 minutes"
    assert i18n.tn("zh", "{n} minute", "{n} minutes", 1) == "1 分钟"


def test_a_refusal_says_states_and_times_as_people_do() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    missed = Refused("not_waiting", "A001 is no_show, not waiting", number="A001", state="no_show")
    assert i18n.refused("zh", missed) == "A001 过号，不在等候"
    assert i18n.refused("en", missed) == "A001 is missed, not waiting"
    late = Refused("closes_too_early", "", closes_at=datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
    assert i18n.refused("zh", late, zone) == "结束时间 09:30 已过"


def test_a_refusal_nobody_translated_says_what_the_rules_said() -> None:
    assert i18n.refused("zh", Refused("brand_new", "window 3 is on fire")) == "window 3 is on fire"


def test_a_fact_nobody_gave_does_not_break_the_sentence() -> None:
    assert i18n.refused("zh", Refused("window_closed", "window 3 is closed")) == "– 号窗口未开，无人登录"


def test_a_text_in_one_language_only_serves_both() -> None:
    assert i18n.in_language("en", Text("大厅", "")) == "大厅"
    assert i18n.in_language("zh", Text("大厅", "Hall")) == "大厅"


def test_a_language_the_hall_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="fr"):
        i18n.t("fr", "Window {n}")
