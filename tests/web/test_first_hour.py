"""The first hour: from an empty folder to an open hall in which somebody is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.clock import real_now
from controller.hall.commands import CallNext, Login, TakeTicket
from controller.hall.model import DayState
from controller.people import SYSTEM, Role
from controller.settings import Settings
from controller.site import Site
from controller.store.items import all_items
from controller.store.people import Person
from tests.web.desk import Browser, Desk, words
from web.app import create_app

NAME = {"name": "林主任", "number": "100", "password": "a-long-password-1", "runs": "1"}
HALL = {"zh": "青山县大厅", "en": "Qingshan", "hours": "09:00-12:00 13:30-17:00", "weekday": "0"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, second_factor_roles=())


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A controller that was started for the first time."""
    with closing(Site.open(settings)) as opened:
        yield opened


@pytest.fixture
def browser(site: Site) -> Browser:
    return Browser(create_app(site).test_client())


@pytest.fixture
def administrator(browser: Browser, settings: Settings) -> Browser:
    """The browser in which the first administrator came in."""
    link = path_of(settings)
    assert browser.post(link, page=link, **NAME).status_code == 302
    return browser


def path_of(settings: Settings) -> str:
    return settings.first_link.read_text().strip().removeprefix(settings.web_url)


def take(browser: Browser, step: str, hall: str = "qingshan", **form: str) -> str:
    """Answer one step; where it leads to, or what is read when it leads nowhere."""
    page = f"/start/{hall}/{step}"
    answer = browser.post(page, page=page, **form)
    return answer.location.rpartition("/")[2] if answer.status_code == 303 else words(answer)


def begin(browser: Browser) -> None:
    assert browser.post("/start", page="/start", **HALL).location == "/start/qingshan/zones"


def test_the_first_administrator_comes_by_the_link_only_this_machine_tells(
    browser: Browser, settings: Settings, site: Site
) -> None:
    link = path_of(settings)
    assert settings.first_link.stat().st_mode & 0o077 == 0
    assert browser.get("/first/guessed").status_code == 410
    assert "密码至少" in words(browser.post(link, page=link, **{**NAME, "password": "short"}))
    assert browser.post(link, page=link, **NAME).location == "/start"
    assert (browser.get(link).status_code, settings.first_link.exists()) == (410, False)
    person = site.people.find("100")
    assert person.roles == {Role.ADMIN, Role.HALL_MANAGER}
    assert not person.has_given_password
    assert site.people.trail(1, "person.add")[0]["subject"] == person.id


def test_a_site_with_people_invites_nobody(settings: Settings, site: Site) -> None:
    link = path_of(settings)
    site.people.add(Person("root", "管理", "1", None, frozenset({Role.ADMIN}), True), real_now())
    assert create_app(site).test_client().get(link).status_code == 410


def test_a_hall_is_made_step_by_step_and_serves_somebody(administrator: Browser, site: Site) -> None:
    browser = administrator
    begin(browser)
    assert take(browser, "zones", **{"key-0": "new", "zh-0": "东区", "en-0": "East"}) == "queues"
    queues = {"key-0": "new", "zh-0": "社保", "zone-0": "east", "minutes-0": "7"}
    queues |= {"key-1": "new", "zh-1": "税务", "zone-1": "east", "minutes-1": "5"}
    assert take(browser, "queues", **queues) == "windows"
    assert take(browser, "windows", **{"more-east": "2", "stay": "1"}) == "windows"
    matrix = {"level-1-A": "0", "level-2-A": "1", "level-2-B": "0"}
    assert take(browser, "windows", **matrix) == "matters"
    assert take(browser, "matters", **{"matters-A": "社保卡\n养老金\n", "matters-B": "开票"}) == "people"
    assert take(browser, "people", **{"name-0": "李强", "number-0": "001", "role-0": "clerk"}) == "devices"
    assert take(browser, "devices") == "open"
    browser.post("/m/qingshan/open", page="/start/qingshan/open", closes="23:59")

    live = site.halls["qingshan"]
    assert live.hall.day is not None
    assert live.hall.day.state is DayState.OPEN
    assert {n: [one.queue for one in window.serves] for n, window in live.hall.windows.items()} == {
        1: ["A"],
        2: ["A", "B"],
    }
    with site.store.reading() as c:
        assert {(one.queue, one.name) for one in all_items(c)} == {
            ("A", "社保卡"),
            ("A", "养老金"),
            ("B", "开票"),
        }
    (clerk,) = live.hall.plan.clerks
    for command in (Login(1, clerk.id), TakeTicket("A", "t"), CallNext(1)):
        live.submit(command, SYSTEM)
    assert live.hall.sessions[1].current is not None


def test_every_step_may_be_skipped_with_what_is_likely(administrator: Browser, site: Site) -> None:
    begin(administrator)
    for step in ("zones", "queues", "windows", "matters", "people", "devices"):
        take(administrator, step, skip="1")
    plan = site.halls["qingshan"].hall.plan
    assert (len(plan.zones), [one.code for one in plan.queues], len(plan.windows)) == (1, ["A"], 4)
    assert all(one.serves for one in plan.windows)
    page = words(administrator.get("/start/qingshan/open"))
    assert "还没有可以坐窗口的人员" in page
    assert "没有窗口办理" not in page


def test_a_matter_taken_from_a_queue_stays_and_comes_back_as_the_same(
    administrator: Browser, site: Site
) -> None:
    begin(administrator)
    for step in ("zones", "queues"):
        take(administrator, step, skip="1")
    codes = []
    for lines in ("社保卡", "", "社保卡"):
        take(administrator, "matters", **{"matters-A": lines})
        with site.store.reading() as c:
            codes += [(one.code, one.queue) for one in all_items(c)]
    assert codes == [(codes[0][0], "A"), (codes[0][0], None), (codes[0][0], "A")]


def test_it_is_left_and_gone_on_with(administrator: Browser, settings: Settings) -> None:
    begin(administrator)
    take(administrator, "zones", skip="1")
    assert administrator.get("/start").location == "/start/qingshan/queues"
    assert administrator.get("/start/qingshan/zones").status_code == 200


def test_what_cannot_be_is_said_and_what_was_typed_stays(administrator: Browser) -> None:
    begin(administrator)
    take(administrator, "zones", skip="1")
    row = {"key-0": "new", "zh-0": "社保", "zone-0": "main", "minutes-0": "x"}
    assert "应在 0.1 到 1440 之间" in take(administrator, "queues", **row)
    assert "请填写名称" in words(administrator.post("/start", page="/start?another=1"))


def test_the_sample_hall_is_one_click(administrator: Browser, site: Site) -> None:
    answer = administrator.post("/start", page="/start", what="sample")
    hall = answer.location.split("/")[2]
    live = site.halls[hall]
    assert (len(live.hall.plan.windows), len(live.hall.plan.clerks)) == (8, 2)
    assert "都准备好了" not in words(administrator.get(answer.location))
    assert "示范政务服务大厅" in words(administrator.get(f"/setup/{hall}/versions"))


def test_an_empty_site_says_what_to_do(browser: Browser) -> None:
    assert "第一位管理员的链接" in words(browser.get("/"))


def test_a_manager_of_one_hall_makes_no_other(desk: Desk) -> None:
    desk.site.people.add(Person("root", "管理", "1", "hall", frozenset({Role.ADMIN}), True), real_now())
    assert desk.browser("root").post("/start", page="/start?another=1", **HALL).status_code == 403
    assert desk.browser("boss").post("/start", page="/me", **HALL).status_code == 403
