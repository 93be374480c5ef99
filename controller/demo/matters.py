"""What the sample hall has of matters: catalogue, guides, standings, published lists; and its centre.

Names, departments and codes are those of real matters (controller/data/README.md). Guides, categories, lists
and visits are made up from the names, and marked as a sample (样例).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files

from sqlalchemy import Connection

from controller.guide import Guide
from controller.hall.model import Text
from controller.item_standing import Category, ItemList, Residency, Standing
from controller.network import Level, Point
from controller.people import SYSTEM
from controller.store import guides, item_standings, network, publications
from controller.store.items import Item, put_items
from controller.store.publications import LISTS, Channel

SINCE = date(2020, 1, 1)  # before any day of the sample hall
CENTRE = Text("示范县政务服务中心", "Sample county service centre")
# In the names of matters that exercise power, of permits, and of those for which intermediaries are paid.
OF_POWER = ("许可", "登记", "备案", "签发", "变更", "注销", "核发", "审批", "设立")
OF_PERMIT = ("许可", "签发", "核发", "审批")
OF_FEES = ("测绘", "鉴定", "评估", "验收", "审查")
ONCE_MINUTES = 6  # what takes no longer is done in one visit


@dataclass(frozen=True, slots=True)
class SampleItem:
    """A real item with a made-up duration. minutes: 样例."""

    code: str
    name: str
    department: str
    queue: str
    minutes: int


def sample_items() -> Iterator[SampleItem]:
    """The packaged subset of real items, in its order."""
    text = (files("controller") / "data" / "items" / "sample_items.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield SampleItem(
            row["code"], row["name"], row["department"], row["queue"], int(row["sample_minutes"])
        )


def put_sample_matters(c: Connection, now: datetime) -> None:
    """The matters of the sample hall, each with a guide and a standing; their lists are published once."""
    items = list(sample_items())
    put_items(
        c, (Item(one.code, one.name, one.department, one.queue, one.minutes, is_sample=True) for one in items)
    )
    for one in items:
        guides.save(c, one.code, _guide(one), SYSTEM.id, now)
        guides.submit(c, one.code, SYSTEM.id, now)
        guides.publish(c, one.code, SINCE, SYSTEM.id, now)
        item_standings.put(c, one.code, SINCE, standing(one), SYSTEM.id, now)
    item_standings.apply(c, SINCE)
    made = publications.publish(c, publications.members(c, SINCE), SINCE, SYSTEM.id, now)
    publications.log(c, LISTS, made.version, (Channel.WEB, Channel.PRINT), SYSTEM.id, now, "样例")


def put_sample_centre(c: Connection, hall: str, now: datetime) -> str:
    """The id of the centre that the sample hall belongs to; nothing changes where the hall has one."""
    known = network.network(c)
    if (found := known.halls.get(hall)) is not None:
        return found
    centre = network.add(c, Point("", CENTRE, Level.COUNTY), SYSTEM.id, now)
    network.place(c, hall, centre.id, SYSTEM.id, now)
    return centre.id


def standing(one: SampleItem) -> Standing:
    """What the name lets one expect of a matter."""
    is_power = any(word in one.name for word in OF_POWER)
    lists = [ItemList.POWER, ItemList.RESPONSIBILITY] if is_power else [ItemList.PUBLIC_SERVICE]
    if is_power and any(word in one.name for word in OF_PERMIT):
        lists.insert(0, ItemList.PERMIT)
    if any(word in one.name for word in OF_FEES):
        lists.append(ItemList.INTERMEDIARY_FEE)
    if one.minutes <= ONCE_MINUTES:
        lists.append(ItemList.ONCE_DONE)
    return Standing(
        one.name,
        one.department,
        category=Category.POWER if is_power else Category.SERVICE,
        lists=tuple(lists),
        visits=1 if one.minutes <= ONCE_MINUTES else 2,
        residency=Residency.RESIDENT,
        reason="样例",
    )


def _guide(one: SampleItem) -> Guide:
    is_long = one.minutes > 10
    return Guide(
        content=f"办理{one.name}。",
        authority=one.department,
        basis="样例：请以正式公布的依据为准。",
        conditions="符合本事项规定条件的个人或单位。",
        materials=(
            "申请人身份证（原件）",
            "申请表（窗口领取，现场填写）",
            "相关证明材料（原件及复印件各 1 份）",
        ),
        procedure=("窗口受理，当场核对材料", "审查", "办结并告知结果"),
        legal_days=20,
        promised_days=5 if is_long else 0,
        fee_standard="不收费",
        fee_basis="无（不收费）",
        service_phone="0826-0000000",
        complaint_phone="12345",
        is_sample=True,
    )
