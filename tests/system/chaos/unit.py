"""A real unit whose devices have no wires: `python -m tests.system.chaos.unit -c unit.toml`.

Store, link, presses, slips and orders are the product's; only the drivers are those of devices.py.
"""

from __future__ import annotations

import sys

from firmware import drivers, node

OURS = "tests.system.chaos.devices"
KINDS = {"button": "Button", "printer": "Printer", "keypad": "Keypad", "led": "Bar", "speaker": "Speaker"}


def main() -> int:
    drivers.KINDS = {**drivers.KINDS, **{kind: (OURS, name) for kind, name in KINDS.items()}}
    return node.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
