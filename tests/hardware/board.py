"""A small arm64 board in QEMU, as a node's: 512 MB, a Cortex-A53's cores, and pins that are a kernel's.

A Debian system is unpacked, nothing in it is run outside the machine; the product's wheel and the node's
locked dependencies are installed into it; the pins are a chip that the kernel simulates (gpio-sim, which
Debian leaves out of its kernel and is compiled here). Needs an x86-64 Debian, root, and what PACKAGES says.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hardware import debian, memory_disk

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = {
    "qemu-system-aarch64": "qemu-system-arm",
    "mmdebstrap": "mmdebstrap",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "make": "make",
    "cpio": "cpio",
    "modprobe": "kmod",
    "openssl": "openssl",
}
MEMORY_MB = 512  # a Raspberry Pi Zero 2 W
CORES = 2
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "virtio_net", "configfs")
SYSTEM = (
    "dash",
    "python3",
    "ca-certificates",
    "mosquitto",
    "libstdc++6",
)  # the last: of apt, on every Debian
READY = "ready"  # says in the board's files what they were made of
HOUSE = Path("opt/servicehall")  # where the product is, in the board's files
HOST = "10.0.2.2"  # this machine, seen from the board. Source: QEMU's documentation, user networking.
SPEECH = "rig: "  # how a line of the guest's program begins; the kernel writes between them

# The board calls itself a Zero 2 W in the place where older kernels say it, and gpiozero reads it there.
INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
while read file; do $B insmod /modules/$file; done < /modules/order
$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro root /new
for folder in proc sys dev; do $B mount --move /$folder /new/$folder; done
for folder in run tmp; do $B mount -t tmpfs tmp /new/$folder; done
$B mkdir -p /new/dev/shm /new/dev/pts
$B mount -t tmpfs shm /new/dev/shm; $B mount -t devpts pts /new/dev/pts
$B mount -t configfs config /new/sys/kernel/config
$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro job /new/mnt
$B cp /new/proc/cpuinfo /new/run/cpuinfo; echo "Revision : 902120" >> /new/run/cpuinfo
$B mount --bind /new/run/cpuinfo /new/proc/cpuinfo
$B ip link set lo up; $B ip addr add 10.0.2.15/24 dev eth0; $B ip link set eth0 up
export PATH=/opt/servicehall/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LANG=C.UTF-8
export PYTHONPATH=/mnt PYTHONDONTWRITEBYTECODE=1
$B chroot /new /bin/sh -c 'cd /run && exec python -m @GUEST@'
echo "@SPEECH@{\\"what\\": \\"ended\\"}"
$B sleep 3600
"""


@dataclass(frozen=True, slots=True)
class Board:
    """What is needed to switch one on: a kernel, its first memory disk, the files of its system."""

    kernel: Path
    memory: Path
    root: Path


def prepare(rig: str, cache: Path, guest: str) -> Board:
    """A board that runs the module `guest`; what does not change is kept in `cache`.

    Ends with a sentence when it cannot be made here.
    """
    memory_disk.need(rig, PACKAGES, "to unpack a system as its owner")
    if shutil.which("uv") is None:
        raise SystemExit(f"{rig}: needs uv on PATH, to install for another processor: pip install uv")
    cache = cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    kernel = debian.kernel(cache)
    root = cache / "root"
    if not (root / READY).exists() or (root / READY).read_text() != " ".join(SYSTEM):
        _unpack(root)
    _install(rig, root)
    memory = cache / f"memory-{guest}.gz"
    init = INIT.replace("@GUEST@", guest).replace("@SPEECH@", SPEECH)
    modules = [*memory_disk.modules(kernel.files, kernel.release, MODULES), kernel.chip]
    memory.write_bytes(memory_disk.pack(cache / "memory", kernel.busybox, modules, init))
    return Board(kernel.image, memory, root)


def _unpack(root: Path) -> None:
    """The system's files. Not one program of it runs here, so no emulator of programs is needed."""
    shutil.rmtree(root, ignore_errors=True)
    mirror, suite = debian.origin()
    words = ["--variant=extract", "--architectures=arm64", f"--include={','.join(SYSTEM)}"]
    subprocess.run(["mmdebstrap", "--quiet", *words, suite, root, mirror], check=True)
    for folder in ("proc", "sys", "run", "mnt", "opt", "root"):
        (root / folder).mkdir(exist_ok=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    _compile(root, Path("usr/lib") / _python())
    (root / READY).write_text(" ".join(SYSTEM))


def _install(rig: str, root: Path) -> None:
    """The wheel of this checkout with the node's locked dependencies, as on a node."""
    if not (root / "usr/bin" / _python()).exists():
        raise SystemExit(f"{rig}: run it with the Python of the board's system, not {_python()}")
    house = root / HOUSE
    shutil.rmtree(house, ignore_errors=True)
    site = house / "lib" / _python() / "site-packages"
    site.mkdir(parents=True)
    (house / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    (house / "bin").mkdir()
    (house / "bin/python").symlink_to("/usr/bin/python3")
    wheel = _wheel(root.parent / "wheel")
    lock = REPOSITORY / "deploy/locks/node.txt"
    _uv(site, "--require-hashes", "-r", str(lock))
    _uv(site, "--no-deps", str(wheel))
    _compile(root, site.relative_to(root))


def _wheel(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=REPOSITORY, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _uv(site: Path, *what: str) -> None:
    words = ["--python-platform", "aarch64-manylinux_2_36", "--python-version", _python()[6:]]
    command = ["uv", "pip", "install", "--quiet", "--target", str(site), "--only-binary", ":all:"]
    subprocess.run([*command, *words, *what], cwd=REPOSITORY, check=True)


def _compile(root: Path, folder: Path) -> None:
    """Bytecode, as an installation on the board would have made it: it cannot write there later."""
    words = ["-q", "-j", "2", "-s", str(root), "-p", "/", str(root / folder)]
    subprocess.run([sys.executable, "-m", "compileall", *words], check=False)  # some packages hold Python 2


def _python() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def job_folder(folder: Path) -> Path:
    """What the guest finds as /mnt: the rigs, and what a rig puts beside them."""
    job = folder / "job"
    shutil.copytree(REPOSITORY / "tests/hardware", job / "tests/hardware")
    shutil.copy(REPOSITORY / "tests/__init__.py", job / "tests")
    return job


def run(rig: str, board: Board, job: Path, timeout_s: float) -> Iterator[dict[str, Any]]:
    """Switch the board on with `job` as its /mnt; what its program says, until it says "done"."""
    log = job.parent / "console.log"
    machine = subprocess.Popen(_words(board, job), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    alarm = threading.Timer(timeout_s, machine.kill)
    alarm.start()
    try:
        assert machine.stdout is not None
        with log.open("wb") as console:
            for line in machine.stdout:
                console.write(line)
                said = _said(line)
                if said.get("what") in ("done", "ended"):
                    break
                if said:
                    yield said
    finally:
        alarm.cancel()
        machine.kill()
        machine.wait()
    if said.get("what") != "done":
        raise SystemExit(
            f"{rig}: the board did not come to its end\n{log.read_text(errors='replace')[-3000:]}"
        )


def _said(line: bytes) -> dict[str, Any]:
    text = line.decode(errors="replace")
    found: dict[str, Any] = json.loads(text.removeprefix(SPEECH)) if text.startswith(SPEECH) else {}
    return found


def _words(board: Board, job: Path) -> list[str]:
    return [
        "qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53", "-accel", "tcg,thread=multi",
        "-smp", str(CORES), "-m", str(MEMORY_MB), "-nographic", "-no-reboot", "-monitor", "none",
        "-serial", "stdio", "-nic", "user,model=virtio-net-pci",
        "-kernel", str(board.kernel), "-initrd", str(board.memory),
        "-append", "console=ttyAMA0 quiet loglevel=3 panic=-1",
        "-fsdev", f"local,id=root,path={board.root},security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
        "-fsdev", f"local,id=job,path={job},security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=job,mount_tag=job",
    ]  # fmt: skip
