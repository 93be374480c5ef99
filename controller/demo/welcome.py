"""What the demo says when citizens are being served: where to look, and what to try."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from controller.demo.hall import (
    DIRECTOR,
    DOMAINS,
    GUIDE,
    HALL,
    LEAD,
    MANAGER,
    SUPERVISOR,
    TECHNICIAN,
    VISITOR,
    VISITOR_WINDOW,
    ZONES,
)
from controller.demo.morning import Morning
from controller.settings import Settings


def welcome(
    settings: Settings, pages: Mapping[str, int], morning: Morning, first_service: str, data: Path
) -> str:
    """The text. pages: port of each node's own pages. first_service: "A001 2", number and window, or ""."""
    web = settings.web_url
    first = _first(first_service, morning)
    kiosk, display = (f"http://127.0.0.1:{pages[node]}/pages" for node in ("node-1", "node-4"))
    rows = [
        ("大厅各屏 Screens", f"{web}/hall/{HALL}"),
        ("办事指南 Guides", f"{web}/items/"),
        ("接线台 The wires", f"{web}/wires"),
        *((f"取号 Kiosk {one.name.en}", f"{kiosk}/kiosk.html?board=k-{one.id}") for one in DOMAINS),
        *((f"大屏 Display {one.name.en}", f"{display}/hall.html?board=z-{one.id}") for one in ZONES),
        ("管理员 Manager", f"{web}/in/{morning.links[MANAGER.id]}"),
        ("导办台 Front desk", f"{web}/in/{morning.links[GUIDE.id]}"),
        ("承办单位 Unit", f"{web}/in/{morning.links[LEAD.id]}"),
        ("主任 Director", f"{web}/in/{morning.links[DIRECTOR.id]}"),
        ("系统管理 Administrator", f"{web}/in/{morning.links[TECHNICIAN.id]}"),
        ("监察 Supervisor", f"{web}/in/{morning.links[SUPERVISOR.id]}"),
        (f"{VISITOR_WINDOW} 号窗口 Clerk", f"{web}/in/{morning.links[VISITOR.id]}"),
    ]
    width = max(_cells(name) for name, _ in rows) + 2
    return "\n".join(
        [
            "",
            *first,
            "",
            *(f"  {name}{' ' * (width - _cells(name))}{address}" for name, address in rows),
            "",
            f"{VISITOR_WINDOW} 号窗口留给您。 Window {VISITOR_WINDOW} is left free for you.",
            "登录链接 15 分钟内用一次。 A sign-in link works once within 15 minutes; for another:",
            f"  {_program()} person -c {_short(data / 'controller.toml')} link {MANAGER.id}",
            "Ctrl-C 结束, 再次运行从停下处继续。 Ctrl-C ends it; the next run goes on where it stopped.",
            "",
        ]
    )


def _first(service: str, morning: Morning) -> tuple[str, str]:
    if not service:
        return "大厅已开门。", f"The hall is open ({morning.date}); nobody is being served yet."
    number, _, window = service.partition(" ")
    return (
        f"大厅已开门: {number} 正在 {window} 号窗口办理。",
        f"The hall is open ({morning.date}): {number} is being served at window {window}.",
    )


def _program() -> str:
    """How this program was called: after `make run` it is in no PATH."""
    return sys.argv[0] if os.sep in sys.argv[0] else "servicehall"


def _short(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _cells(text: str) -> int:
    """Width on a terminal: a Chinese character takes two cells."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
