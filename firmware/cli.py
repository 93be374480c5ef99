"""The `servicehall` command: finds the subcommand among those installed and runs it.

Subcommands join through the entry-point group `servicehall.commands`; each is a function
`main(argv) -> exit code` whose first docstring line is its help. A node without the controller's
libraries still has the command: what cannot be loaded is listed with what is missing.
"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points, version

GROUP = "servicehall.commands"


def main(argv: list[str] | None = None) -> int:
    """Run `servicehall NAME ...`; the exit code: 0 done, 1 failed with a sentence, 2 wrongly called."""
    words = sys.argv[1:] if argv is None else argv
    commands = {found.name: found for found in entry_points(group=GROUP)}
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"servicehall {version('servicehall')}")
        return 0
    found = commands.get(words[0])
    if found is None:
        print(
            f"servicehall: there is no command {words[0]!r}; it has: {' '.join(sorted(commands))}",
            file=sys.stderr,
        )
        return 2
    try:
        run = found.load()
    except ModuleNotFoundError as missing:
        print(f"servicehall {words[0]}: {_remedy(missing)}", file=sys.stderr)
        return 1
    return int(run(words[1:]))


def summaries() -> list[tuple[str, str]]:
    """Each installed subcommand with the first line of its help, by name."""
    commands = {found.name: found for found in entry_points(group=GROUP)}
    return [(name, _summary(commands[name])) for name in sorted(commands)]


def _overview() -> str:
    rows = [f"  {name:<10} {summary}" for name, summary in summaries()]
    return "\n".join(
        [
            "servicehall: runs a government service hall",
            "",
            *rows,
            "",
            "servicehall COMMAND --help tells more.",
        ]
    )


def _summary(command: EntryPoint) -> str:
    try:
        return (command.load().__doc__ or "").strip().partition("\n")[0]
    except ModuleNotFoundError as missing:
        return f"({_remedy(missing)})"


def _remedy(missing: ModuleNotFoundError) -> str:
    return f"{missing.name} is not installed; install servicehall[controller] or servicehall[node]"


if __name__ == "__main__":
    sys.exit(main())
