"""The sample hall: its plan and its people.

Pure. Names of people and all durations are made up (样例).
Window 8 is left free for whoever is looking at the demo.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controller.hall.model import (
    CallingDomain,
    Clerk,
    Plan,
    Queue,
    Rules,
    Serves,
    Text,
    Window,
    Zone,
)

HALL = "hall"
VISITOR_WINDOW = 8
TAX_SKILL = "tax"


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody of the sample hall. window: where the demo seats this clerk; None: nowhere.

    is_of_centre, is_everywhere: works in all halls of the centre, of the site. home_unit: the department that
    sent them.
    """

    id: str
    staff_number: str
    name: str
    roles: tuple[str, ...]
    window: int | None = None
    skills: frozenset[str] = frozenset()
    is_of_centre: bool = False
    is_everywhere: bool = False
    home_unit: str | None = None


MANAGER = Staff("manager", "900", "周文静", ("hall_manager",))
GUIDE = Staff("guide", "902", "孙静", ("guide",))
TECHNICIAN = Staff("technician", "901", "何志远", ("technician", "admin"), is_everywhere=True)
LEAD = Staff("lead", "903", "邓洁", ("window_lead",), home_unit="广安区税务局")
SUPERVISOR = Staff("supervisor", "904", "马正", ("supervisor",))
DIRECTOR = Staff("director", "905", "罗文", ("director",), is_of_centre=True)
VISITOR = Staff("visitor", "008", "访客", ("clerk",), VISITOR_WINDOW, frozenset({TAX_SKILL}))
CLERKS = (
    Staff("wang-min", "001", "王敏", ("clerk",), 1, home_unit="区人社局"),
    Staff("li-qiang", "002", "李强", ("clerk",), 2, home_unit="区医疗保障局"),
    Staff("zhang-lan", "003", "张岚", ("clerk",), 3, home_unit="区公安分局"),
    Staff("liu-yang", "004", "刘洋", ("clerk",), 4, home_unit="区自然资源和规划局"),
    Staff("chen-jing", "005", "陈静", ("clerk",), 5, home_unit="区行政审批局"),
    Staff("yang-fan", "006", "杨帆", ("clerk",), 6, frozenset({TAX_SKILL}), home_unit="广安区税务局"),
    Staff("zhao-lei", "007", "赵磊", ("clerk",), 7, frozenset({TAX_SKILL}), home_unit="广安区税务局"),
)
PEOPLE = (MANAGER, GUIDE, TECHNICIAN, LEAD, SUPERVISOR, DIRECTOR, *CLERKS, VISITOR)

ZONES = (
    Zone("east", Text("东区 1-4 号窗口", "East, windows 1-4")),
    Zone("west", Text("西区 5-8 号窗口", "West, windows 5-8")),
)
DOMAINS = (
    CallingDomain("main", Text("综合取号", "General tickets")),
    CallingDomain("tax", Text("税务取号", "Tax tickets")),
)


def _queue(
    code: str, zh: str, en: str, zone: str, minutes: int, domain: str = "main", skill: str | None = None
) -> Queue:
    sample = Text(f"样例：平均 {minutes} 分钟", f"Sample: {minutes} minutes on average")
    mean = timedelta(minutes=minutes)
    return Queue(code, Text(zh, en), domain, code, zone, mean, skill=skill, description=sample)


QUEUES = (
    _queue("A", "社保医保", "Social and medical insurance", "east", 7),
    _queue("B", "户籍身份证", "Household and identity cards", "east", 6),
    _queue("C", "不动产与住房", "Property and housing", "east", 9),
    _queue("D", "企业开办", "Starting a business", "west", 8),
    _queue("E", "税务", "Taxes", "west", 6, domain="tax", skill=TAX_SKILL),
    _queue("F", "综合服务", "General services", "west", 5),
)

# Which queues a window takes, the first level first (P.31). East and west share no queue: a citizen
# waits where the windows of the matter are.
SERVES = {
    1: (Serves("A"), Serves("B", 1)),
    2: (Serves("A"), Serves("B"), Serves("C", 1)),
    3: (Serves("B"), Serves("A", 1)),
    4: (Serves("C"), Serves("A", 1), Serves("B", 1)),
    5: (Serves("D"), Serves("F")),
    6: (Serves("D"), Serves("E"), Serves("F", 1)),
    7: (Serves("E"), Serves("F")),
    8: (Serves("F"), Serves("D"), Serves("E", 1)),
}
WINDOW_NAMES = {
    1: Text("社保医保", "Insurance"),
    2: Text("社保与户籍", "Insurance and household"),
    3: Text("户籍身份证", "Household and ID"),
    4: Text("不动产与住房", "Property and housing"),
    5: Text("企业与综合", "Business and general"),
    6: Text("企业与税务", "Business and tax"),
    7: Text("税务与综合", "Tax and general"),
    8: Text("综合受理", "General"),
}


def sample_plan() -> Plan:
    """The hall before anybody came: six queues, eight windows in two zones, two number series.

    Calls are repeated every 40 s, not 20, because a fast hall still speaks at the pace of its loudspeakers.
    """
    return Plan(
        name=Text("示范政务服务大厅", "Sample service hall"),
        rules=Rules(call_every=timedelta(seconds=40), no_show_after=timedelta(seconds=120)),
        domains=DOMAINS,
        zones=ZONES,
        queues=QUEUES,
        windows=tuple(
            Window(number, WINDOW_NAMES[number], zone_of(number), serves) for number, serves in SERVES.items()
        ),
        clerks=tuple(
            Clerk(one.id, one.staff_number, one.name, one.skills) for one in PEOPLE if "clerk" in one.roles
        ),
        rev=1,
    )


def zone_of(window: int) -> str:
    return "east" if window <= 4 else "west"
