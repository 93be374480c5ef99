"""How often one address may ask for something that costs: a bucket of tries that fills again with time.

Hides the buckets and that their number is limited: those nobody drew from for long are dropped first.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import cast

from flask import abort, current_app, request
from werkzeug.exceptions import TooManyRequests

from web.visit import the_site

MOST_ADDRESSES = 10_000


class Limit:
    """At most `burst` tries at once and `per_second` in the long run, for each address."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # address -> tries left, when
        self._lock = threading.Lock()

    def wait_s(self, address: str, now_s: float) -> float:
        """Take one try; 0.0 when there was one, else the seconds until there is. now_s: monotonic."""
        with self._lock:
            left, at = self._buckets.pop(address, (self._burst, now_s))
            left = min(self._burst, left + (now_s - at) * self._per_second)
            is_allowed = left >= 1.0
            self._buckets[address] = (left - 1.0 if is_allowed else left, now_s)
            if len(self._buckets) > MOST_ADDRESSES:
                self._buckets.popitem(last=False)
            return 0.0 if is_allowed else (1.0 - left) / self._per_second


def is_at_kiosk() -> bool:
    """Whether this request comes from where the hall's kiosks are; without such a setting from anywhere."""
    networks = the_site().settings.kiosk_networks
    if not networks:
        return True
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(address in ip_network(network) for network in networks)


def keep_to_kiosks() -> None:
    """403 for a ticket as at a kiosk that is asked for from elsewhere."""
    if not is_at_kiosk():
        abort(HTTPStatus.FORBIDDEN, "not_at_kiosk")


def keep_to_limit(name: str) -> None:
    """429 when the address of this request asks too often. name: of a Limit among the app's extensions."""
    limit = cast(Limit, current_app.extensions[name])
    wait_s = limit.wait_s(request.remote_addr or "", time.monotonic())
    if wait_s > 0:
        raise TooManyRequests(retry_after=math.ceil(wait_s))
