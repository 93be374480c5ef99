"""What is kept of the edge, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from controller.hall.model import Text
from controller.store import Store, log
from controller.store.devices import SetAside, forget, last_set_aside, set_aside
from controller.store.records import add_hall
from controller.store.tables import heard

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)


def test_what_is_old_is_forgotten_and_what_is_new_is_kept(database: str) -> None:
    store = Store.open(database, LONG_AGO)
    with store.writing() as c:
        for hall in ("hall", "other"):
            add_hall(c, hall, Text("大厅", "Hall"), LONG_AGO)
            for unit, at in (("old", LONG_AGO), ("new", NOW)):
                set_aside(hall, SetAside(unit, "topic", b"bytes", "why", "field", "remedy", at))(c)
                c.execute(insert(heard).values(hall=hall, unit=unit, epoch="e1", hi=7, at=at))
        forget("hall", NOW - timedelta(days=90), NOW - timedelta(days=90))(c)
    with store.reading() as c:
        assert [row.unit for row in last_set_aside(c, "hall")] == ["new"]
        assert log.marks(c, "hall") == {("new", "e1"): 7}
        assert len(last_set_aside(c, "other")) == len(log.marks(c, "other")) == 2
    store.close()
