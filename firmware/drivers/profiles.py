"""What kinds of ticket printers there are: width, characters, codes, cutter, roll.

Pure. A profile is chosen by the printer itself where it tells its model (GS I 67), else by the option
`profile`, else it is the 80 mm one; single options override what a profile says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

CHARSETS = ("gbk", "gb2312", "ascii")
CUTS = ("full", "partial", "none")
CODES = ("native", "raster")


class BadProfile(ValueError):
    """An option of a printer that means nothing; the message names it and what it may be."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of printer, at 203 dpi (8 dots a mm)."""

    name: str = "80mm"
    dots: int = 576  # printed width: 72 mm of 80
    charset: str = "gbk"  # what its font holds, two bytes a character in GB18030; others are drawn as dots
    qr: str = "native"  # raster: the code is drawn as dots
    cut: str = "full"  # partial leaves a point hanging; none: torn by hand
    roll_mm: float = 50_000.0  # of a new roll
    spare_mm: float = 4_000.0  # left when its near-end sensor speaks


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(),
        Profile(name="58mm", dots=384, roll_mm=30_000.0),  # 48 mm of 58
        Profile(name="80mm-gb2312", charset="gb2312"),
        Profile(name="80mm-ascii", charset="ascii", qr="raster"),  # no Chinese font: all of it is drawn
    )
}

# How model names begin that tell more than "80 mm, GBK, QR". Sources: the makers' command manuals and
# python-escpos' table of profiles.
MODELS: tuple[tuple[str, str], ...] = (
    ("TM-T20", "80mm-ascii"),  # the western model; Chinese ones tell a Chinese font (GS I 69)
    ("TM-T88", "80mm-ascii"),
    ("TM-P20", "58mm"),
    ("POS-58", "58mm"),
    ("XP-58", "58mm"),
    ("GP-58", "58mm"),
)


def profile_for(options: Mapping[str, str], model: str = "", font: str = "") -> Profile:
    """The profile of a printer with these options that calls itself `model`. Raises BadProfile."""
    name = options.get("profile", "") or _named(model)
    if name not in PROFILES:
        raise BadProfile(f"profile {name!r} is not one of {', '.join(PROFILES)}")
    profile = PROFILES[name]
    if "profile" not in options and (charset := _charset(font)):
        profile = replace(profile, charset=charset, qr="native")
    return replace(
        profile,
        charset=_one_of("charset", options.get("charset", profile.charset), CHARSETS),
        qr=_one_of("qr", options.get("qr", profile.qr), CODES),
        cut=_one_of("cut", options.get("cut", profile.cut), CUTS),
        roll_mm=_length("roll_m", options, profile.roll_mm),
        spare_mm=_length("spare_m", options, profile.spare_mm),
    )


def _named(model: str) -> str:
    return next((name for start, name in MODELS if model.startswith(start)), "80mm")


def _charset(font: str) -> str:
    """What a printer says of its Chinese font, as "CHINA GB18030"; "" when it says nothing of one."""
    if "GB18030" in font or "GBK" in font:
        return "gbk"
    return "gb2312" if "GB2312" in font or "CHINA" in font else ""


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise BadProfile(f"{name} is {', '.join(known)}, not {value!r}")
    return value


def _length(name: str, options: Mapping[str, str], otherwise_mm: float) -> float:
    """Millimetres of an option in metres."""
    if name not in options:
        return otherwise_mm
    try:
        metres = float(options[name])
    except ValueError:
        metres = 0.0
    if not 0 < metres < 1000:
        raise BadProfile(f"{name} is a length in metres, not {options[name]!r}")
    return metres * 1000
