"""The first memory disk of a virtual machine: busybox, modules in their order, and `init`."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path


def need(rig: str, packages: Mapping[str, str], why: str) -> None:
    """End with a sentence when this is not root (`why` it must be) or one of the programs is not here."""
    if os.geteuid() != 0:
        raise SystemExit(f"{rig}: needs root, {why}")
    missing = [package for name, package in packages.items() if program(name) is None]
    if missing:
        raise SystemExit(f"{rig}: apt-get install --no-install-recommends {' '.join(missing)}")


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def modules(files: Path, release: str, names: Iterable[str]) -> list[Path]:
    """The files of these modules and of what they rest on, in order. files: where a kernel is unpacked."""
    order: dict[Path, None] = {}
    for name in names:
        said = subprocess.run(
            [program("modprobe") or "", "-d", files, "-S", release, "--show-depends", name],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        order |= {Path(line.split()[1]): None for line in said.splitlines() if line.startswith("insmod")}
    return list(order)


def pack(folder: Path, busybox: Path, order: Iterable[Path], script: str) -> bytes:
    """The packed disk, made up in `folder`; `script` is its init and finds the modules in /modules/order."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "proc", "sys", "dev", "new", "modules"):
        (folder / name).mkdir(parents=True)
    shutil.copy(busybox, folder / "bin/busybox")
    for file in order:
        shutil.copy(file, folder / "modules")
    (folder / "modules/order").write_text("".join(f"{file.name}\n" for file in order))
    init = folder / "init"
    init.write_text(script)
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],
        input=names.encode(),
        cwd=folder,
        capture_output=True,
        check=True,
    ).stdout
    return gzip.compress(packed, 1)
