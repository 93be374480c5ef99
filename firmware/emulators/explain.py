"""Raw bytes in words, for the bench's raw view: what a chunk on a wire means, as far as it is whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from firmware.drivers import escpos_status, hid, id_frames, keypad_frames, led_frames
from firmware.emulators.escpos import (
    Action,
    Ask,
    AskDone,
    AskName,
    Cut,
    Feed,
    Parser,
    QrCode,
    Raster,
    Reset,
    Style,
    TextLine,
)

LED_CODES: Mapping[int, str] = {
    led_frames.SHOW: "show",
    led_frames.PING: "are you there",
    led_frames.ACK: "shown",
    led_frames.NAK: "broken frame",
    led_frames.UNKNOWN: "unknown command",
}
ID_COMMANDS: Mapping[tuple[int, int], str] = {
    id_frames.STATUS: "are you well",
    id_frames.MODULE: "which module",
    id_frames.FIND: "is a card there",
    id_frames.SELECT: "take it",
    id_frames.READ: "read it",
}
ID_CODES: Mapping[int, str] = {
    id_frames.OK: "done",
    id_frames.FOUND: "a card",
    id_frames.NOT_FOUND: "no card",
    id_frames.NOT_SELECTED: "it went away",
    id_frames.FAILED: "out of order",
    id_frames.UNAUTHORISED: "not authorised",
}


def explain(kind: str, is_in: bool, data: bytes) -> str:
    """One line of words; "" when nothing whole is in it."""
    explainers: Mapping[str, Callable[[bool, bytes], str]] = {
        "printer": _printer,
        "keypad": _keypad,
        "led": _led,
        "reader": _reader,
        "keys": _strokes,
    }
    return explainers[kind](is_in, data) if kind in explainers else ""


def is_idle(kind: str, is_in: bool, data: bytes) -> bool:
    """True for the talk that goes on while nothing happens: a printer asked how it is."""
    if kind == "reader":
        return _reader(is_in, data) in ("is a card there", "no card")
    if kind != "printer":
        return False
    if not is_in:
        return len(data) == 1 and data == b"\x12"
    return all(data[at : at + 2] == b"\x10\x04" for at in range(0, len(data), 3))


def _printer(is_in: bool, data: bytes) -> str:
    if is_in:
        return " · ".join(filter(None, map(_action, Parser().feed(data))))
    if data.startswith(b"_"):
        return data[1:].rstrip(b"\0").decode("ascii", errors="replace")
    if len(data) == 1 and data[0] & 0xF0 == 0:
        return "printed"
    if not all(map(escpos_status.is_status, data)):
        return "not a status"
    return " ".join("ready" if answer == escpos_status.FIXED else f"status {answer:08b}" for answer in data)


def _action(action: Action) -> str:
    match action:
        case Ask(n=0):
            return "DLE ENQ 2 recover"
        case Ask(n=n):
            return f"DLE EOT {n} how are you"
        case AskName(n=n):
            return f"GS I {n} what are you"
        case AskDone():
            return "GS r 1 is it printed"
        case Reset():
            return "ESC @ reset"
        case Style(size=int() as size):
            return f"size {size}"
        case Style(is_bold=bool() as is_bold):
            return "bold" if is_bold else ""
        case Style(align=str() as align):
            return align
        case TextLine(text=text):
            return f"“{text}”" if text else ""
        case Feed(lines=lines, dots=dots):
            return f"feed {lines or dots}"
        case QrCode(text=text):
            return f"QR {text}"
        case Raster(width=width, rows=rows):
            return f"dots {width}x{len(rows)}"
        case Cut():
            return "cut"
        case _:
            return ""


def _keypad(is_in: bool, data: bytes) -> str:
    lengths = keypad_frames.FROM_HOST if is_in else keypad_frames.FROM_DEVICE
    reader = keypad_frames.Reader(lengths)
    frames = [*reader.feed(data), *reader.quiet()]
    words = [_keypad_frame(is_in, frame) for frame in frames]
    return " · ".join([*words, *(["broken"] * bool(reader.bad))])


def _keypad_frame(is_in: bool, frame: keypad_frames.Frame) -> str:
    at = f"#{frame.address}"
    if frame.func == keypad_frames.RATED:
        return f"{at} rated {frame.data.hex()}"
    if not is_in:
        return f"{at} key {keypad_frames.key_name(frame.data)}"
    if frame.func == keypad_frames.SHOW and len(frame.data) == 6:
        digits = "".join("_" if cell == keypad_frames.BLANK else f"{cell:X}" for cell in frame.data)
        return f"{at} show {digits[:3]} {digits[3:]}"
    if frame.func == keypad_frames.SHOW:
        return f"{at} stars {frame.data.hex()}"
    if frame.func == keypad_frames.BEEP and not frame.data:
        return f"{at} beep"
    if frame.data == bytes([keypad_frames.ASK_RATING]):
        return f"{at} ask rating, or answer to that key"
    return f"{at} answer to {frame.data.hex()}"


def _reader(is_in: bool, data: bytes) -> str:
    if id_frames.HEAD not in data:
        strokes = _strokes(is_in, data)
        return strokes or f"“{data.decode(errors='replace').strip()}”"
    bodies = id_frames.Reader().feed(data)
    if is_in:
        return " · ".join(ID_COMMANDS.get((body[0], body[1]), body.hex()) for body in bodies)
    codes = [ID_CODES.get(answer.code, f"{answer.code:02X}") for answer in id_frames.answers(bodies)]
    return " · ".join(codes)


def _strokes(is_in: bool, data: bytes) -> str:
    if len(data) % hid.EVENT.size:
        return ""
    return " ".join(stroke.name for stroke in hid.Events().feed(data) if stroke.value == hid.DOWN)


def _led(is_in: bool, data: bytes) -> str:
    reader = led_frames.Reader()
    words = []
    for frame in reader.feed(data):
        text = frame.data.decode("gbk", errors="replace")
        code = LED_CODES.get(frame.code, f"{frame.code:02X}")
        words.append(f"#{frame.address} seq {frame.seq} {code}" + (f" “{text}”" if is_in else ""))
    return " · ".join([*words, *(["broken"] * bool(reader.broken))])
