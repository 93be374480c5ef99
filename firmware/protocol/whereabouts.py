"""Where the broker is: at what its name leads to, else where it was last, else at other places named (F72).

A hall's names come from a router that is switched off with the lights, or from a line that is cut. Hides
the resolver, and that only an address at which the broker itself let us in is remembered. A certificate is
compared with the broker's name wherever the connection leads, so that a wrong address is found out.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

log = logging.getLogger(__name__)


def resolve(host: str) -> list[str]:
    """The addresses of a host's name, an address's own; nothing when the name leads nowhere."""
    with suppress(OSError):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]
    return []


class Whereabouts:
    """Of one broker."""

    def __init__(
        self,
        host: str,
        also: Sequence[str] = (),
        *,
        recall: Callable[[], str] = lambda: "",
        keep: Callable[[str], None] = lambda address: None,
        find: Callable[[str], list[str]] = resolve,
    ) -> None:
        """also: names or addresses to try last. recall, keep: the address that outlasts a restart, "" = none.
        find: the addresses of a name."""
        self._host, self._also, self._keep, self._find = host, also, keep, find
        self._last = recall()
        self._is_lost = False  # said once

    def reach(self, port: int, timeout_s: float) -> socket.socket:
        """A connection to the first address that answers. timeout_s: of each. Raises OSError."""
        refused: OSError = socket.gaierror(socket.EAI_NONAME, f"{self._host} leads nowhere")
        tried: set[str] = set()
        for address in self._addresses():
            if address in tried:
                continue
            tried.add(address)
            try:
                return socket.create_connection((address, port), timeout_s)
            except OSError as error:
                refused = error
        raise refused

    def arrived(self, address: str) -> None:
        """The broker let us in at this address."""
        if address != self._last:
            self._last = address
            self._keep(address)

    def _addresses(self) -> Iterator[str]:
        found = self._find(self._host)
        self._note(bool(found))
        yield from found
        if self._last:
            yield self._last
        for name in self._also:
            yield from self._find(name)

    def _note(self, is_found: bool) -> None:
        if not is_found and not self._is_lost:
            log.error("the name %s leads nowhere; tried instead: %s", self._host, self._last or self._also)
        self._is_lost = not is_found
