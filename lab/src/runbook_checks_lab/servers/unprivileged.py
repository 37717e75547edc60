"""Start a server that refuses to run as root, when the lab itself runs as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = 65534  # Linux' overflow user, which owns no files (user_namespaces(7))


@dataclass(frozen=True)
class Launch:
    """A command prefix, or another user; that user must own the folders the server writes to."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    binaries: Path = Path()

    def command(self, binary: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(self.binaries / binary), *arguments]

    def own(self, folder: Path) -> None:
        if self.user is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.user, self.user)


def launch_for(binaries: Path, probe: str, scratch: Path) -> Launch:
    """Use a user namespace if available, otherwise an unprivileged user; copy binaries that it cannot read."""
    if os.geteuid() != 0:
        return Launch(binaries=binaries)
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    for launch in (Launch(prefix, None, binaries), Launch((), UNPRIVILEGED, binaries)):
        if launch.user is not None:
            os.chmod(scratch, 0o711)  # noqa: S103  the user must be able to reach its own folder
        if _runs(launch, probe):
            return launch
        copied = Launch(launch.prefix, launch.user, _copied(binaries, scratch))
        if _runs(copied, probe):
            return copied
    raise OSError(f"{binaries / probe} runs neither in a user namespace nor as user {UNPRIVILEGED}")


def _runs(launch: Launch, probe: str) -> bool:
    command = launch.command(probe, "--version")
    try:
        done = subprocess.run(command, user=launch.user, capture_output=True, timeout=10, check=False, cwd="/")
    except OSError:
        return False
    return done.returncode == 0


def _copied(binaries: Path, scratch: Path) -> Path:
    """Copy the whole installation: the libraries are found relative to the binaries."""
    copy = scratch / binaries.parent.name
    if not copy.exists():
        shutil.copytree(binaries.parent, copy, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
    return copy / binaries.name
