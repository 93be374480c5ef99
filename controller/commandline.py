"""What the controller's subcommands have in common: where their settings are, and how they fail.

Hides that a person at a terminal gets one sentence and no traceback for what cannot be done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from controller.hall.model import HallError


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Of `servicehall NAME`, with the option that names the settings file as `config`."""
    made = argparse.ArgumentParser(f"servicehall {name}", description=description)
    _add_config(made)
    return made


def parser_with_url(name: str, description: str | None) -> argparse.ArgumentParser:
    """The same for what needs a database only, which may be named by `url` instead of a settings file."""
    made = argparse.ArgumentParser(f"servicehall {name}", description=description)
    where = made.add_mutually_exclusive_group()
    _add_config(where)
    where.add_argument("--url", help="database instead: sqlite:////path/hall.sqlite or postgresql://...")
    return made


def _add_config(to: argparse._ActionsContainer) -> None:
    to.add_argument("-c", "--config", type=Path, default=Path("controller.toml"), help="settings file")


def finish(name: str, work: Callable[[], int | None]) -> int:
    """The exit code of `servicehall NAME`: what its work returned, or 1 when that cannot be done."""
    try:
        return work() or 0
    except HallError as error:
        why = str(error)
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    print(f"servicehall {name}: {why}", file=sys.stderr)
    return 1
