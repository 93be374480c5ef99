"""A virtual machine that runs this checkout: a Debian kernel, this machine's files read-only, one disk.

Its memory and its kernel's caches are its own, so killing it is a power cut. Needs an x86-64 Debian, root,
and by apt: qemu-system-x86 busybox-static cpio kmod e2fsprogs. The kernel is fetched with apt-get once.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.hardware import memory_disk

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "modprobe": "kmod",
    "mkfs.ext4": "e2fsprogs",
}
MODULES = ("virtio_pci", "virtio_blk", "9pnet_virtio", "9p", "ext4", "crc32c_generic")
CONNECT_TIMEOUT_S = 30.0
ACCELERATOR = "tcg,thread=multi"  # boots anywhere; /dev/kvm may be there and hang, as inside another machine

INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
while read file; do $B insmod /modules/$file; done < /modules/order
$B mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /new
for folder in proc sys dev; do $B mount --move /$folder /new/$folder; done
for folder in run tmp; do $B mount -t tmpfs tmp /new/$folder; done
$B mkdir -p /new/dev/shm /new/run/disk; $B mount -t tmpfs shm /new/dev/shm
$B stty -F /new/dev/ttyS1 raw -echo
$B mount -t ext4 /dev/vda /new/run/disk || $B mount -t ext4 /new/dev/vda /new/run/disk
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run PYTHONDONTWRITEBYTECODE=1
$B chroot /new /bin/sh -c 'cd "@REPOSITORY@" && exec "@PYTHON@" -m tests.hardware.powercut.guest /run/disk'
echo "ended" > /new/dev/ttyS1
$B sleep 3600
"""


class Machine:
    """A booted machine. Its program speaks by the second serial line."""

    def __init__(self, kernel: Path, memory: Path, disk: Path, folder: Path) -> None:
        """disk: the socket of a Server. folder: for the socket of the serial line and the console's log."""
        speech = folder / "speech"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(speech))
            listener.listen()
            listener.settimeout(CONNECT_TIMEOUT_S)
            self._process = subprocess.Popen(_words(kernel, memory, disk, speech, folder / "console.log"))
            self._line, _ = listener.accept()
        speech.unlink()
        self.lines = self._line.makefile("r", encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """The power is gone, in the middle of whatever it did."""
        self._process.kill()
        self._process.wait()
        self.lines.close()
        self._line.close()


def _words(kernel: Path, memory: Path, disk: Path, speech: Path, log: Path) -> list[str]:
    return [
        "qemu-system-x86_64", "-accel", ACCELERATOR, "-cpu", "max", "-smp", "2", "-m", "1024",
        "-nographic", "-no-reboot", "-nic", "none", "-monitor", "none",
        "-kernel", str(kernel), "-initrd", str(memory),
        "-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off tsc=unstable",
        "-serial", f"file:{log}", "-chardev", f"socket,id=speech,path={speech}", "-serial", "chardev:speech",
        "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=root,mount_tag=host",
        "-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={disk}",
        "-device", "virtio-blk-pci,drive=disk,write-cache=on",
    ]  # fmt: skip


def prepare(cache: Path) -> tuple[Path, Path]:
    """The kernel and the first memory disk, made once in `cache`. Ends with a sentence when it cannot."""
    memory_disk.need("rig-powercut", PACKAGES, "to boot this machine's files in a virtual one")
    cache.mkdir(parents=True, exist_ok=True)
    if not (kernels := sorted(cache.glob("kernel/boot/vmlinuz-*"))):
        _fetch_kernel(cache)
        kernels = sorted(cache.glob("kernel/boot/vmlinuz-*"))
    memory = cache / "memory.gz"
    init = INIT.replace("@REPOSITORY@", str(REPOSITORY)).replace("@PYTHON@", sys.executable)
    modules = memory_disk.modules(cache / "kernel", kernels[-1].name.removeprefix("vmlinuz-"), MODULES)
    busybox = Path(memory_disk.program("busybox") or "")
    memory.write_bytes(memory_disk.pack(cache / "memory", busybox, modules, init))
    return kernels[-1], memory


def make_disk(image: Path, megabytes: int = 512) -> None:
    """An empty file system as a file."""
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    subprocess.run([memory_disk.program("mkfs.ext4") or "", "-q", image], check=True)


def _fetch_kernel(cache: Path) -> None:
    said = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"], check=True, capture_output=True, text=True
    ).stdout
    package = next(word for word in said.split() if word.startswith("linux-image-") and word[12].isdigit())
    subprocess.run(["apt-get", "download", "-qq", package], cwd=cache, check=True)
    (file,) = cache.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", file, cache / "kernel"], check=True)
    file.unlink()
    release = package.removeprefix("linux-image-")
    subprocess.run([memory_disk.program("depmod") or "depmod", "-b", cache / "kernel", release], check=True)
