"""What a wire says when it cannot be opened or stops working."""

from __future__ import annotations


class WireFault(Exception):
    """A wire cannot be opened or has stopped working. what: gone, busy, blocked or text (configuration)."""

    def __init__(self, what: str, message: str) -> None:
        super().__init__(message)
        self.what = what


def after(scheme: str, text: str) -> str:
    """The text without its scheme. Raises WireFault when it has another."""
    if not text.startswith(scheme):
        raise WireFault("text", f"wire {text!r} should begin with {scheme!r}")
    return text.removeprefix(scheme)
