"""What hangs at the four nodes of the sample hall, as the controller knows it and as the benches draw it.

Pure. node-1 is the dispenser, node-2 and node-3 the windows, node-4 the loudspeakers and hall displays. Both
ends of every wire are named here: the emulator's in the bench's TOML, the driver's in the unit's position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from controller.demo.hall import DOMAINS, QUEUES, SERVES, WINDOW_NAMES, ZONES, zone_of
from controller.hall.model import Text
from firmware.protocol.messages import DeviceConfig

PINS = (17, 27, 22, 5, 6, 13, 19, 26)  # header pins free of serial, I2C and sound
GREEN_QUEUES = ("A", "F")  # who has a 绿色通道 button of its own
GREEN_FROM = 60  # years; who is as old and lays his card on the reader gets the green class
CARDS_BAUD = 115200  # as readers of identity cards come
CAMERA_FPS = 2.0
BAR_COLUMNS = 20  # 请A023号到8号窗口 takes 17 half-width cells
SOCKET_LIMIT = 100  # characters; a Unix socket's path must stay under 108
LONGEST_SOCKET = "/node-4/speaker-west.sock"


@dataclass(frozen=True, slots=True)
class Node:
    """One node: name is its unit and its position. devices: the drivers' ends of the wires."""

    name: str
    title: Text
    devices: tuple[DeviceConfig, ...]


def sample_nodes(run_dir: Path, camera_port: int | None = None) -> tuple[Node, ...]:
    """The four nodes, their wires in a folder each under `run_dir`. camera_port: None for no camera."""
    voice = [*_hall(run_dir / "node-4"), *_camera(camera_port)]
    return (
        Node("node-1", Text("取号机", "Ticket dispenser"), tuple(_dispenser(run_dir / "node-1"))),
        Node("node-2", Text("1-4 号窗口", "Windows 1-4"), tuple(_windows(run_dir / "node-2", (1, 2, 3, 4)))),
        Node("node-3", Text("5-8 号窗口", "Windows 5-8"), tuple(_windows(run_dir / "node-3", (5, 6, 7, 8)))),
        Node("node-4", Text("广播与大屏", "Voice and hall displays"), tuple(voice)),
    )


def bench_toml(node: Node, run_dir: Path, port: int, speaker_speed: float) -> str:
    """The bench.toml of a node: every wire's other end."""
    lines = [
        f'unit = "{node.name}"',
        f'label = "{node.title.zh}"',
        f'label_en = "{node.title.en}"',
        f'dir = "{run_dir / node.name}"',
        f"port = {port}",
    ]
    for device in node.devices:
        if device.kind != "screen":
            lines += ["", *_bench_device(device, speaker_speed)]
    return "\n".join(lines) + "\n"


def button_of(nodes: Sequence[Node], queue: str, is_green: bool = False) -> tuple[str, str] | None:
    """(node, device) of the button that asks for this queue."""
    for node in nodes:
        for device in node.devices:
            if device.kind == "button" and (device.queue, "class" in device.options) == (queue, is_green):
                return node.name, device.device
    return None


def at_windows(nodes: Sequence[Node], kind: str) -> dict[int, tuple[str, str]]:
    """window -> (node, device) for all keypads or LED bars."""
    return {
        int(device.board[1:]): (node.name, device.device)
        for node in nodes
        for device in node.devices
        if device.kind == kind
    }


def _dispenser(folder: Path) -> Iterator[DeviceConfig]:
    asked = [(queue.code, False) for queue in QUEUES] + [(code, True) for code in GREEN_QUEUES]
    for n, (queue, is_green) in enumerate(asked, start=1):
        yield DeviceConfig(
            device=f"button-{n}",
            kind="button",
            wire=f"gpio:emulated:{folder / 'gpio.sock'}#{PINS[n - 1]}",
            queue=queue,
            options={"class": "green"} if is_green else {},
        )
    yield DeviceConfig(device="printer-1", kind="printer", wire=_serial(folder, "printer-1"))
    yield DeviceConfig(
        device="cards-1",
        kind="reader",
        wire=_serial(folder, "cards-1", CARDS_BAUD),
        options={"reads": "id_card", "green_from": str(GREEN_FROM)},
    )
    yield DeviceConfig(device="scanner-1", kind="reader", wire=f"hid:{folder / 'scanner-1'}")
    for domain in DOMAINS:
        yield DeviceConfig(
            device=f"kiosk-{domain.id}", kind="screen", wire=f"screen:{domain.id}", board=f"k-{domain.id}"
        )


def _windows(folder: Path, numbers: Sequence[int]) -> Iterator[DeviceConfig]:
    for number in numbers:
        yield DeviceConfig(
            device=f"keypad-{number}",
            kind="keypad",
            wire=_serial(folder, "keypads"),
            address=number,
            board=f"w{number}",
            zone=zone_of(number),
        )
    for number in numbers:
        yield DeviceConfig(
            device=f"led-{number}",
            kind="led",
            wire=_serial(folder, "leds"),
            address=number,
            board=f"w{number}",
            zone=zone_of(number),
        )


def _hall(folder: Path) -> Iterator[DeviceConfig]:
    for zone in ZONES:
        device = f"speaker-{zone.id}"
        yield DeviceConfig(
            device=device, kind="speaker", wire=f"sound:emulated:{folder / device}.sock", zone=zone.id
        )
    for zone in ZONES:
        yield DeviceConfig(
            device=f"display-{zone.id}",
            kind="screen",
            wire=f"screen:{zone.id}",
            board=f"z-{zone.id}",
            zone=zone.id,
        )


def _camera(port: int | None) -> Iterator[DeviceConfig]:
    """One that looks at the waiting area, and not often: a hall on one machine has other things to do."""
    if port is not None:
        wire = f"camera:http://127.0.0.1:{port}/video.mjpg"
        options = {"fps": f"{CAMERA_FPS:g}"}
        yield DeviceConfig(device="camera-1", kind="camera", wire=wire, zone=ZONES[0].id, options=options)


def _serial(folder: Path, link: str, baud: int = 9600) -> str:
    return f"serial:{folder / link}?baud={baud}"


def _bench_device(device: DeviceConfig, speaker_speed: float) -> list[str]:
    lines = ["[[device]]", f'device = "{device.device}"', f'kind = "{device.kind}"']
    lines.append(f'label = "{_label(device)}"')
    if device.kind == "button":
        lines.append(f"pin = {device.wire.rpartition('#')[2]}")
    elif device.kind in ("keypad", "led"):
        link = Path(device.wire.removeprefix("serial:").partition("?")[0]).name
        lines += [f'link = "{link}"', f"address = {device.address}"]
        if device.kind == "led":
            lines.append(f"columns = {BAR_COLUMNS}")
    elif device.kind == "reader":
        is_line = device.wire.startswith("serial:")
        lines += [
            f'reads = "{device.options.get("reads", "code")}"',
            f'wire = "{"serial" if is_line else "hid"}"',
        ]
    elif device.kind == "camera":
        lines += [f"port = {urlsplit(device.wire.removeprefix('camera:')).port}", f"fps = {CAMERA_FPS:g}"]
    elif device.kind == "speaker":
        lines.append(f"speed = {speaker_speed:.1f}")
    return lines


def _label(device: DeviceConfig) -> str:
    if device.kind == "button":
        name = next(queue.name.zh for queue in QUEUES if queue.code == device.queue)
        return f"{device.queue} {name}" + (" 绿色通道" if device.options else "")
    if device.board in {f"w{number}" for number in SERVES}:
        number = int(device.board[1:])
        return f"{number} 号窗口 {WINDOW_NAMES[number].zh}"
    if device.zone:
        return next(zone.name.zh for zone in ZONES if zone.id == device.zone)
    return {"cards-1": "身份证", "scanner-1": "小票扫码"}.get(device.device, "取号打印机")
