"""Bytes come out as they went in, whatever was asked for at a time, and none that was read is forgotten."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.protocol.read_ahead import PlainSocket


@pytest.fixture
def ends() -> Iterator[tuple[PlainSocket, socket.socket]]:
    near, far = socket.socketpair()
    with PlainSocket.of(near) as reading, far:
        yield reading, far


@given(sent=st.binary(min_size=1, max_size=400), asked=st.lists(st.integers(1, 90), min_size=1, max_size=9))
def test_what_was_sent_comes_out_in_pieces_as_asked_for(sent: bytes, asked: list[int]) -> None:
    near, far = socket.socketpair()
    with PlainSocket.of(near) as reading, far:
        far.sendall(sent)
        far.shutdown(socket.SHUT_WR)
        pieces = [reading.recv(most) for most in asked]
        assert all(len(piece) <= most for piece, most in zip(pieces, asked, strict=True))
        assert b"".join([*pieces, *iter(lambda: reading.recv(50), b"")]) == sent


def test_what_was_read_and_not_asked_for_is_pending(ends: tuple[PlainSocket, socket.socket]) -> None:
    reading, far = ends
    far.sendall(b"\x40\x02\x00\x07")
    assert (reading.recv(1), reading.pending()) == (b"\x40", 3)
    assert (reading.recv(9), reading.pending()) == (b"\x02\x00\x07", 0)


def test_nothing_there_is_said_as_by_any_socket(ends: tuple[PlainSocket, socket.socket]) -> None:
    reading, far = ends
    reading.setblocking(False)
    with pytest.raises(BlockingIOError):
        reading.recv(1)
    far.close()
    assert reading.recv(1) == b""


def test_the_connection_keeps_how_long_it_waits() -> None:
    near, far = socket.socketpair()
    near.settimeout(4.0)
    with PlainSocket.of(near) as reading, far:
        assert reading.gettimeout() == 4.0
