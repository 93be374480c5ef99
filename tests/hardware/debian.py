"""Debian's arm64 kernel beside this machine's packages, and the simulated GPIO chip that it comes without.

Packages are only downloaded and unpacked, with lists of our own, from where this machine gets its packages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.hardware.memory_disk import program

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
CROSS = "aarch64-linux-gnu-"
SOURCES = ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c")

# Modules cannot call irq_to_desc; what they can call does the same here.
UNKNOWN = "handle_simple_irq(irq_to_desc(irqnum))"
KNOWN = "generic_handle_irq_safe(irqnum)"


@dataclass(frozen=True, slots=True)
class Kernel:
    """files: the folder it is unpacked in. chip: the module of the simulated pins."""

    release: str
    files: Path
    chip: Path

    @property
    def image(self) -> Path:
        return self.files / f"boot/vmlinuz-{self.release}"

    @property
    def busybox(self) -> Path:
        return self.files / "bin/busybox"


def origin() -> tuple[str, str]:
    """Where this machine has Debian from, and its name. Ends with a sentence when this is no Debian."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Origin: Debian"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in sorted(said.splitlines()):
        mirror, _, suite = line.partition(" ")
        if suite and "-" not in suite:
            return mirror, suite
    raise SystemExit("the rigs need a Debian whose package lists are there: apt-get update")


def kernel(cache: Path) -> Kernel:
    """The kernel and its chip, fetched and compiled once."""
    files = cache / "kernel"
    if not (files / "ready").exists():
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        (files / "ready").write_text(_make(files))
    return Kernel((files / "ready").read_text(), files, files / "chip/gpio-sim.ko")


def _make(files: Path) -> str:
    """Fetch, unpack, compile. The kernel's release."""
    apt = _Apt(files / "apt")
    image = apt.newest("linux-image-arm64", r"linux-image-[0-9].*")
    release = image.removeprefix("linux-image-")
    headers = f"linux-headers-{release}"
    common = apt.newest(headers, r"linux-headers-.*-common")
    series = ".".join(release.split(".")[:2])
    names = [f"{name}:arm64" for name in (image, headers, "busybox-static")]
    apt.unpack([*names, f"{common}:all", f"linux-kbuild-{series}:amd64", f"linux-source-{series}:all"], files)
    subprocess.run([program("depmod") or "depmod", "-b", files, release], check=True)
    _compile(files, files / "usr/src" / headers, common, series)
    return release


def _compile(files: Path, headers: Path, common: str, series: str) -> None:
    """gpio-sim.ko, for the processor of the board. headers, common: of the kernel, in `files`."""
    (headers / "Makefile").write_text(f"include {files}/usr/src/{common}/Makefile\n")
    chip = files / "chip"
    chip.mkdir()
    top = f"linux-source-{series}"
    inside = [f"{top}/{source}" for source in SOURCES]
    packed = files / f"usr/src/{top}.tar.xz"
    subprocess.run(["tar", "-C", files, "--occurrence=1", "-xf", packed, *inside], check=True)
    packed.unlink()
    simulator, library, interrupts = (files / one for one in inside)
    shutil.copy(simulator, chip / "gpio-sim-core.c")
    shutil.copy(library, chip)
    (chip / interrupts.name).write_text(interrupts.read_text().replace(UNKNOWN, KNOWN))
    (chip / "Makefile").write_text("obj-m := gpio-sim.o\ngpio-sim-y := gpio-sim-core.o irq_sim.o\n")
    words = [f"M={chip}", "ARCH=arm64", f"CROSS_COMPILE={CROSS}", f"CC={CROSS}gcc", "modules"]
    subprocess.run(["make", "-s", "-C", headers, *words], check=True)


class _Apt:
    """apt with lists of its own, of two architectures; this machine's are left as they are."""

    def __init__(self, folder: Path) -> None:
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("deb [signed-by={}] {} {} main\n".format(KEYS, *origin()))
        config = folder / "apt.conf"
        config.write_text(
            f'Dir::State::Lists "{folder}/lists"; Dir::State::status "{folder}/status";\n'
            f'Dir::Cache "{folder}/cache"; Dir::Etc::SourceParts "-";\n'
            f'Dir::Etc::SourceList "{folder}/sources.list";\n'
            'APT::Architecture "arm64"; APT::Architectures { "arm64"; "amd64"; };\n'
            'APT::Sandbox::User "root";\n'
        )
        self._folder = folder
        self._environment = {**os.environ, "APT_CONFIG": str(config)}
        self._run("apt-get", "update", "-qq")

    def newest(self, package: str, pattern: str) -> str:
        """What `package` depends on that looks like `pattern`."""
        found = re.search(rf"Depends: ({pattern})$", self._run("apt-cache", "depends", package), re.MULTILINE)
        if found is None:
            raise SystemExit(f"{package} of this Debian depends on nothing like {pattern}")
        return found[1]

    def unpack(self, packages: list[str], files: Path) -> None:
        self._run("apt-get", "download", "-qq", *packages)
        for file in self._folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", file, files], check=True)
        shutil.rmtree(self._folder)

    def _run(self, *words: str) -> str:
        return subprocess.run(
            words, cwd=self._folder, env=self._environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
