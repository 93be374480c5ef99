"""Catalogues on their way to kiosks."""

from __future__ import annotations

import zlib
from random import Random

import pytest

from firmware.protocol.catalogue import MOST_BYTES, Matter, pack, unpack
from firmware.protocol.codec import MAX_PAYLOAD_BYTES, BadMessage

SYLLABLES = "社会保险登记变更注销申请核准许可证书备案审批补换领机动车不动产企业个体工商户医疗生育失业工伤养老"


def catalogue(size: int) -> list[Matter]:
    """Made-up matters with names of 8 to 40 characters, no two alike."""
    chance = Random(1)
    names = ("".join(chance.choices(SYLLABLES, k=chance.randint(8, 40))) for _ in range(size))
    return [
        Matter(code=f"{110_000 + n:012d}", name=name, queue="ABCDEF"[n % 6]) for n, name in enumerate(names)
    ]


def test_a_catalogue_comes_out_as_it_went_in() -> None:
    assert unpack(pack(catalogue(177))) == catalogue(177)


def test_no_matters_are_no_bytes() -> None:
    assert pack([]) == b""
    assert unpack(b"") == []


def test_a_catalogue_for_one_big_hall_fits_into_a_message() -> None:
    assert len(pack(catalogue(2000))) < MAX_PAYLOAD_BYTES // 2


@pytest.mark.parametrize(
    "packed",
    [b"rubbish", zlib.compress(b"[1]"), pack(catalogue(3))[:-5], zlib.compress(b" " * (MOST_BYTES + 1))],
)
def test_what_is_no_catalogue_is_said_to_be_none(packed: bytes) -> None:
    with pytest.raises(BadMessage):
        unpack(packed)
