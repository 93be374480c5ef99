"""Cameras: pictures, their health, snapshots, recordings, and a child that may be killed (F32-F38)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firmware import vision, wires
from firmware.drivers.footage import Ring, Room
from firmware.emulators.camera import drawn_hall
from tests.firmware.rig import rig

pytest.importorskip("cv2", reason="cameras need the extra `camera`")

CAMERA: dict[str, Any] = {"kind": "camera", "device": "camera-1"}
QUICK = {"frozen_s": "1", "dark_s": "0.5", "covered_s": "0.5", "silent_s": "6"}


def frame(picture: Image.Image) -> vision.Frame:
    return np.asarray(picture)[:, :, ::-1].copy()


def even(brightness: int) -> vision.Frame:
    return np.full((360, 640, 3), brightness, np.uint8)


# --- arithmetic -------------------------------------------------------------------------------------


def test_f33_a_dark_a_covered_and_a_good_picture_are_told_apart() -> None:
    assert vision.look_at(even(4)).trouble == "dark"
    assert vision.look_at(even(90)).trouble == "covered"
    assert vision.look_at(frame(drawn_hall(0))).trouble == ""


def test_f33_a_lens_far_out_of_focus_is_covered() -> None:
    from PIL import ImageFilter

    blurred = drawn_hall(0).filter(ImageFilter.GaussianBlur(40))
    assert vision.look_at(frame(blurred)).trouble == "covered"


def test_f32_only_the_very_same_frame_again_and_again_is_frozen() -> None:
    watch = vision.Watch({"frozen": 30, "dark": 20, "covered": 20})
    still, other = vision.look_at(frame(drawn_hall(0))), vision.look_at(frame(drawn_hall(1)))
    assert [watch.see(still, at) for at in (0.0, 1.0, 30.0)] == [frozenset()] * 3
    assert watch.see(still, 31.0) == {"frozen"}
    assert watch.see(other, 32.0) == frozenset()


def test_a_trouble_that_passes_quickly_is_none() -> None:
    watch = vision.Watch({"frozen": 30, "dark": 20, "covered": 20})
    dark, good = vision.look_at(even(3)), vision.look_at(frame(drawn_hall(0)))
    seen = [watch.see(look, at) for look, at in ((dark, 0), (dark, 19), (good, 20), (dark, 21), (dark, 40))]
    assert seen == [frozenset()] * 5
    assert watch.see(dark, 41) == {"dark"}


# --- the ring ---------------------------------------------------------------------------------------


def filled(folder: Path, room: Room, count: int) -> Ring:
    ring = Ring(folder, room, lambda path: True)
    for at in range(count):
        path = ring.begin(float(at))
        path.write_bytes(b"x" * 1000)
        ring.end(path)
    return ring


def test_f37_the_oldest_go_first_and_what_is_kept_stays(tmp_path: Path) -> None:
    ring = filled(tmp_path, Room(most=3500, spare=0), 3)
    ring.segments()[0].with_suffix(".keep").touch()
    for _ in range(2):
        path = ring.begin(9.0)
        path.write_bytes(b"x" * 1000)
        ring.end(path)
    ring.make_room()
    assert [int(path.name[:8]) for path in ring.segments()] == [1, 4, 5]


def test_f37_a_disk_without_spare_room_takes_no_recording(tmp_path: Path) -> None:
    ring = filled(tmp_path, Room(most=10**9, spare=2**60), 2)
    assert not ring.has_room()
    ring.make_room()
    assert ring.segments() == []


def test_f38_what_a_power_cut_left_is_taken_in_or_set_aside(tmp_path: Path) -> None:
    first = Ring(tmp_path, Room(10**9, 0), lambda path: True)
    good, bad = first.begin(0.0), first.begin(1.0)
    good.write_bytes(b"film")
    bad.write_bytes(b"")
    again = Ring(tmp_path, Room(10**9, 0), lambda path: path.stat().st_size > 0)
    assert (again.mended, again.broken) == (1, 1)
    assert [path.read_bytes() for path in again.segments()] == [b"film"]
    assert int(again.begin(2.0).name[:8]) == 3


# --- on a wire --------------------------------------------------------------------------------------


def test_a_camera_gives_pictures_and_its_size(tmp_path: Path) -> None:
    with rig(tmp_path, CAMERA) as hall:
        camera = hall.driver("camera-1", options=QUICK)
        hall.until(lambda: camera.counts().get("frames", 0) > 2, timeout=40)
        picture = Image.open(io.BytesIO(camera.snapshot().result(timeout=20)))
        assert (picture.format, picture.size) == ("JPEG", (640, 360))
        assert camera.capability().model == "640x360"
        assert hall.reports.codes() == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [("frozen", "camera.frozen"), ("dark", "camera.dark"), ("covered", "camera.covered"),
     ("unplug", "camera.gone")],
)  # fmt: skip
def test_f32_f33_f35_a_camera_in_trouble_says_so_and_is_well_again(
    tmp_path: Path, fault: str, code: str
) -> None:
    with rig(tmp_path, CAMERA) as hall:
        camera = hall.driver("camera-1", options=QUICK)
        hall.until(lambda: camera.counts().get("frames", 0) > 0, timeout=40)
        hall.broken("camera-1", fault)
        hall.until(lambda: camera.health() == code, timeout=40)
        hall.broken("camera-1", fault, False)
        hall.until(lambda: camera.health() == "ok", timeout=40)
        assert hall.reports.codes() == [f"+{code}", f"-{code}"]


def test_f34_a_child_whose_read_never_returns_is_killed_and_started_again(tmp_path: Path) -> None:
    with rig(tmp_path, CAMERA) as hall:
        camera = hall.driver("camera-1", options={**QUICK, "silent_s": "3"})
        hall.until(lambda: camera.counts().get("frames", 0) > 0, timeout=40)
        hall.broken("camera-1", "stall")
        hall.until(lambda: camera.counts()["kills"] >= 1, timeout=40)
        hall.until(lambda: "+camera.hung" in hall.reports.codes())
        hall.broken("camera-1", "stall", False)
        hall.until(lambda: camera.health() == "ok", timeout=60)


def test_recordings_can_be_played_and_stop_when_the_disk_is_scarce(tmp_path: Path) -> None:
    from firmware.wires.pictures import is_playable

    films = tmp_path / "films"
    options = {**QUICK, "record": str(films), "segment_s": "1", "spare_mb": "1"}
    with rig(tmp_path, CAMERA) as hall:
        camera = hall.driver("camera-1", options=options)
        hall.until(lambda: camera.counts().get("segments", 0) >= 2, timeout=60)
        assert all(is_playable(path) for path in sorted(films.glob("*.mkv")) if ".open." not in path.name)
        camera.spare(True)
        hall.until(lambda: camera.health() == "camera.not_recording", timeout=40)
        camera.spare(False)
        hall.until(lambda: camera.health() == "ok", timeout=40)
    assert list(films.glob("*.open.mkv")) == []  # stopping ends the film


def test_f38_a_film_cut_off_in_the_middle_can_still_be_played(tmp_path: Path) -> None:
    from firmware.wires.pictures import Film, is_playable

    whole = tmp_path / "whole.mkv"
    film = Film(whole, 5, 640, 360)
    for at in range(60):
        film.add(frame(drawn_hall(at)))
    film.close()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert is_playable(cut)
    cut.write_bytes(b"")
    assert not is_playable(cut)


@pytest.mark.parametrize("wire", ["camera:0", "camera:", "rtsp://10.0.0.9/x"])
def test_f36_a_camera_is_named_by_its_path_or_address(wire: str) -> None:
    with pytest.raises(wires.WireFault, match="camera:"):
        wires.camera_wire(wire)


def test_a_password_is_not_told() -> None:
    assert wires.camera_wire("camera:rtsp://user:secret@10.0.0.9/x").name == "rtsp://10.0.0.9/x"
