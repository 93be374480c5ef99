"""Another version of a value: `dataclasses.replace` for the frozen, slotted classes of the hall.

The standard function looks every field up by name and calls a constructor that checks each one's frozenness;
a call of the next ticket makes two dozen versions of the hall, and half its time went there. Here each class
is copied by a function made for it once, as `dataclasses` makes its constructor. No `__post_init__` runs: the
hall's values have none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

_Copy = Callable[[Any], Any]
_Write = Callable[[Any, Any], None]


if TYPE_CHECKING:
    from dataclasses import replace as replace  # whose fields are checked where it is called
else:

    def replace(value, **changes):
        """The value with other contents of the named fields. Raises TypeError for one it does not have."""
        copy, writes = _tools(type(value))
        made = copy(value)
        for name, content in changes.items():
            if name not in writes:
                raise TypeError(f"{type(value).__name__} has no field {name!r}")
            writes[name](made, content)
        return made


@cache
def _tools(kind: type) -> tuple[_Copy, dict[str, _Write]]:
    """How to copy a value of this class, and how to write each field of the copy."""
    writes = {field.name: kind.__dict__[field.name].__set__ for field in fields(kind)}
    lines = [f"    write_{name}(made, value.{name})" for name in writes]
    source = "\n".join(["def copy(value):", "    made = new(kind)", *lines, "    return made"])
    names: dict[str, Any] = {"new": object.__new__, "kind": kind}
    names |= {f"write_{name}": write for name, write in writes.items()}
    exec(source, names)  # noqa: S102 - of the names of fields alone
    return names["copy"], writes
