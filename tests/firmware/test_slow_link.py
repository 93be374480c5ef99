"""A line that is there and hardly: two seconds there and back, and a tenth of it lost."""

from __future__ import annotations

from tests.faults.proxy import Odds
from tests.firmware.hall_unit import SLOW, healths, is_in_service, node_running, node_settings
from tests.waiting import until


def test_f60_on_a_slow_link_numbers_come_from_the_lease_and_nothing_is_sent_in_storms(
    folder, hardware, relay, controller
):
    """Nobody waits for a far answer: the dispenser takes its own numbers, and each arrives once in the end.

    The bandwidth of such a link is not limited here.
    """
    with node_running(node_settings(folder / "unit", relay.port)) as node:
        controller.configure(hardware.config(grant_timeout_ms=300, resend_s=2.0))
        until(lambda: is_in_service(node, controller), SLOW, what="the unit is in service")
        controller.lease(201, 240)
        until(lambda: node.outbox.leases(), SLOW)
        controller.is_granting = False  # chance would let an answer through in time now and then
        relay.by_chance(7, Odds(drop=0.1, double=0.0, late=1.0, late_s=1.0, cut=0.0))
        for printed in range(1, 4):
            hardware.push()
            until(lambda printed=printed: len(hardware.slips()) == printed, SLOW)
        relay.calm()
        until(lambda: len(controller.reports("IssuedOffline")) == 3, 2 * SLOW)
        numbers = [one.number for one in controller.reports("IssuedOffline")]
        assert numbers == ["A201", "A202", "A203"]
        until(lambda: node.outbox.acked == node.outbox.last, 2 * SLOW)
        assert len(controller.arrivals) <= 10 * len(controller.events)
        assert healths(controller)
