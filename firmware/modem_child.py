"""The process that talks to a GSM modem for the controller: JSON lines in, JSON lines out.

    {"do": "send", "id": 17, "number": "+86...", "text": "..."}
        ->  {"taken": 17, "references": ["5", "6"]} or {"failed": 17, "code": "...", "is_final": false}
    {"do": "listen"}
        ->  any of {"received": 3, "number": "+86...", "text": "..."}, {"report": "5", ...}; {"end": true}
    {"do": "stored", "received": 3}  ->  {"end": true}: only now is it deleted from the card

A blocked serial line hangs this process and no other; it ends with its standard input. Nothing is logged.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from firmware.drivers.modem import Kept, Modem, ModemFault
from firmware.drivers.sms_pdu import Incoming, Report
from firmware.wires.fault import WireFault
from firmware.wires.lines import line_wire, open_line


class Attendant:
    """Looks after one modem; opens its line anew after it broke."""

    def __init__(self, wire: str) -> None:
        self._wire = line_wire(wire)
        self._modem: Modem | None = None
        self._kept: dict[int, Kept] = {}
        self._next = 1

    def answer(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            modem = self._opened()
            match question["do"]:
                case "send":
                    references = modem.send(question["number"], question["text"], question["id"])
                    return [{"taken": question["id"], "references": [str(one) for one in references]}]
                case "stored":
                    kept = self._kept.pop(question["received"], None)
                    if kept is not None:
                        modem.delete(kept.places)
                    return [{"end": True}]
                case _:
                    return [*self._listen(modem), {"end": True}]
        except WireFault as fault:
            self._modem = None
            return [self._failed(question, fault.what, str(fault), False)]
        except ModemFault as fault:
            if fault.code == "silent":
                self._modem = None
            return [self._failed(question, fault.code, str(fault), fault.is_final)]

    def _opened(self) -> Modem:
        if self._modem is None:
            port = open_line(self._wire)
            try:
                self._modem = Modem(port)
            except (ModemFault, WireFault):
                port.close()
                raise
        return self._modem

    def _listen(self, modem: Modem) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        for kept in modem.arrived():
            match kept.what:
                case Report() as report:
                    modem.delete(kept.places)
                    if report.is_final:
                        facts = {"is_delivered": report.is_delivered, "why": f"status_{report.status:x}"}
                        said.append({"report": str(report.reference), **facts})
                case Incoming() as incoming:
                    self._kept[self._next] = kept
                    said.append({"received": self._next, "number": incoming.number, "text": incoming.text})
                    self._next += 1
        return said

    def _failed(self, question: dict[str, Any], code: str, why: str, is_final: bool) -> dict[str, Any]:
        return {"failed": question.get("id"), "code": code, "why": why, "is_final": is_final}


def main() -> int:
    """Attend to the modem at the wire in the first argument until standard input ends."""
    attendant = Attendant(sys.argv[1])
    for line in sys.stdin:
        for said in attendant.answer(json.loads(line)):
            sys.stdout.write(f"{json.dumps(said)}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
