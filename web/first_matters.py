"""The first hour's step of matters: what is done in each queue, a name on each line.

Hides that a matter which is taken out of a queue stays in the catalogue, given to none, and comes back under
its own code when its name is written again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection

from controller.clock import real_now
from controller.hall.model import Plan, Queue
from controller.store import Store
from controller.store.audit import audit
from controller.store.items import Item, all_items, put_items
from web.setup_forms import BadForm, Form

LONGEST = 120  # characters of a name
MOST = 500  # matters of a queue


def written(store: Store, plan: Plan) -> dict[str, list[str]]:
    """The names of the matters of each queue."""
    with store.reading() as c:
        known = all_items(c)
    return {queue.code: [one.name for one in known if one.queue == queue.code] for queue in plan.queues}


def keep(store: Store, hall: str, plan: Plan, form: Form, by: str) -> None:
    """Give each queue the matters of its lines. Raises BadForm."""
    with store.writing() as c:
        changed = [one for queue in plan.queues for one in _changed(c, plan, queue, form)]
        if changed:
            put_items(c, changed)
            audit(by, "matters.put", hall, real_now(), matters=len(changed))(c)


def _changed(c: Connection, plan: Plan, queue: Queue, form: Form) -> Iterator[Item]:
    wanted = _lines(form.get(f"matters-{queue.code}", ""))
    known = all_items(c)
    here = {one.name: one for one in known if one.queue == queue.code}
    loose = {one.name: one for one in known if one.queue is None}
    for name in wanted:
        if name in loose and name not in here:
            yield replace(loose[name], queue=queue.code)
        elif name not in here:
            yield Item(f"m-{secrets.token_hex(4)}", name, _department(plan, queue), queue.code)
    yield from (replace(one, queue=None) for name, one in here.items() if name not in wanted)


def _lines(text: str) -> list[str]:
    names = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(names) > MOST or any(len(name) > LONGEST for name in names):
        raise BadForm("matters", most=MOST, longest=LONGEST)
    return names


def _department(plan: Plan, queue: Queue) -> str:
    """The queue's department; until it has one, the hall."""
    found = next((one for one in plan.departments if one.id == queue.department), None)
    return (plan.name if found is None else found.name).zh
