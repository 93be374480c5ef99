"""Comparisons that have come to their end, as one file beside a backup of the database, and back again.

Hides which files of a comparison are kept (shelf.py writes them). Nothing is ever written over: a comparison
that is there already under its number stays as it is.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from controller.hall.model import HallError

SUFFIX = ".trials.zip"
NAMES = frozenset({"request.json", "asked.json", "result.json"})
PLACE = re.compile(r"(\d{1,9})/(\w+\.json)")  # of a file in the pack


def pack(trials: Path, file: Path) -> int:
    """Write them all to the file; how many. Nothing is written when there are none."""
    done = sorted(path.parent for path in trials.glob("*/result.json") if path.parent.name.isdecimal())
    if not done:
        return 0
    with zipfile.ZipFile(file, "x", zipfile.ZIP_DEFLATED) as packed:
        for folder in done:
            for name in sorted(NAMES):
                packed.write(folder / name, f"{folder.name}/{name}")
    return len(done)


def unpack(file: Path, trials: Path) -> int:
    """Put those of the file that are missing where they were; how many. What is none of ours is left out.

    Raises HallError, with nothing put back, when the file is no such pack.
    """
    found: dict[str, dict[str, bytes]] = {}
    try:
        with zipfile.ZipFile(file) as packed:
            for place in packed.namelist():
                known = PLACE.fullmatch(place)
                if known is not None and known[2] in NAMES and not (trials / known[1]).exists():
                    found.setdefault(known[1], {})[known[2]] = packed.read(place)
    except zipfile.BadZipFile as error:
        raise HallError(f"{file} holds no results of trials: {error}") from error
    whole = {number: files for number, files in found.items() if files.keys() == NAMES}
    for number, files in whole.items():
        (trials / number).mkdir(parents=True, mode=0o700)
        for name, content in files.items():
            (trials / number / name).write_bytes(content)
    return len(whole)
