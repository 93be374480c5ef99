"""A waiting line: an immutable sorted sequence whose changes copy a few dozen entries, never all.

Entries are tuples that compare totally, the ticket's id last. They are kept in sorted chunks of at
most CHUNK entries; adding or removing one copies its chunk and the tuple of chunks. With 10,000
waiting that is about 250 references, with 100 it is about 100.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

CHUNK = 128  # chunk and outer tuple cost the same near the square root of 10,000-20,000 entries

Entry: TypeAlias = tuple[Any, ...]


class Line:
    """Sorted, immutable, hashable by identity only. An empty line is `Line()`."""

    __slots__ = ("_chunks", "_lasts", "_size")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        rows = sorted(entries)
        self._set(tuple(tuple(rows[i : i + CHUNK]) for i in range(0, len(rows), CHUNK)), len(rows))

    def _set(self, chunks: tuple[tuple[Entry, ...], ...], size: int) -> None:
        self._chunks = chunks
        self._lasts = tuple(chunk[-1] for chunk in chunks)
        self._size = size

    @classmethod
    def _of(cls, chunks: tuple[tuple[Entry, ...], ...], size: int) -> Line:
        line = cls.__new__(cls)
        line._set(chunks, size)
        return line

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Entry]:
        for chunk in self._chunks:
            yield from chunk

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self._size == other._size and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Line({list(self)!r})"

    @property
    def head(self) -> Entry | None:
        return self._chunks[0][0] if self._size else None

    def add(self, entry: Entry) -> Line:
        """The line with `entry` in its place; entries are unique, so an entry already there is a bug."""
        if not self._size:
            return Line._of(((entry,),), 1)
        at = min(bisect_left(self._lasts, entry), len(self._chunks) - 1)
        chunk = self._chunks[at]
        i = bisect_right(chunk, entry)
        if i and chunk[i - 1] == entry:
            raise ValueError(f"{entry!r} already stands in this line")
        grown = (*chunk[:i], entry, *chunk[i:])
        parts = (grown,) if len(grown) <= CHUNK else (grown[: CHUNK // 2], grown[CHUNK // 2 :])
        return Line._of((*self._chunks[:at], *parts, *self._chunks[at + 1 :]), self._size + 1)

    def remove(self, entry: Entry) -> Line:
        """The line without `entry`. Raises ValueError when it does not stand in it."""
        at = bisect_left(self._lasts, entry)
        chunk = self._chunks[at] if at < len(self._chunks) else ()
        i = bisect_left(chunk, entry)
        if i == len(chunk) or chunk[i] != entry:
            raise ValueError(f"{entry!r} does not stand in this line")
        rest = (*chunk[:i], *chunk[i + 1 :])
        parts = (rest,) if rest else ()
        return Line._of((*self._chunks[:at], *parts, *self._chunks[at + 1 :]), self._size - 1)

    def ahead_of(self, entry: Entry) -> int:
        """How many entries stand before `entry`, which need not stand in the line."""
        at = bisect_left(self._lasts, entry)
        before = sum(len(chunk) for chunk in self._chunks[:at])
        return before + (bisect_left(self._chunks[at], entry) if at < len(self._chunks) else 0)

    def after(self, entry: Entry) -> Iterator[Entry]:
        """The entries behind `entry`, which need not stand in the line."""
        at = bisect_left(self._lasts, entry)
        for chunk in self._chunks[at : at + 1]:
            yield from chunk[bisect_right(chunk, entry) :]
        for chunk in self._chunks[at + 1 :]:
            yield from chunk

    def nth(self, n: int) -> Entry | None:
        """The entry with n before it; None past the end."""
        for chunk in self._chunks:
            if n < len(chunk):
                return chunk[n]
            n -= len(chunk)
        return None
