"""Download the lab's programs that no Python package contains, as Debian packages, into .toolbox without root.

Nothing is installed on the machine: apt's own client downloads packages into a private folder, and they are unpacked
there. A machine without apt uses the programs on its PATH. Missing programs are reported once, and the lab runs
without them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.probes.core.child_environment import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
TOOLBOX = ROOT / ".toolbox"
DONE = "unpacked.json"
PATIENCE_S, RENEWAL_S = 600, 180
OLD_DAYS = 30  # Debian updates Chromium about once a week
DAY_S = 86400
TRIED = TOOLBOX / "tried"  # its age prevents a new attempt with every command
AGAIN_S = 3600


@dataclass(frozen=True)
class Part:
    """One program: what it is called, and the packages it comes in."""

    name: str
    program: str
    packages: tuple[str, ...]
    with_dependencies: bool = False


PARTS = (
    Part("mariadb", "mariadbd", ("mariadb-server-core", "libaio1", "liburing2")),
    Part("prometheus", "prometheus", ("prometheus",)),
    # chromium-common by name: it lies beside the program, so one installed on the machine would not do.
    Part("chromium", "chromium", ("chromium", "chromium-common"), with_dependencies=True),
)


class Unavailable(Exception):
    """A part is not available; the text says why."""


def make_ready(parts: Sequence[Part] = PARTS, what_for: str = "the lab") -> dict[str, str]:
    """Download missing and old parts; returns the unavailable ones, each with the reason.

    An old part that cannot be updated is used unchanged, with a message.
    """
    missing = [part for part in parts if not is_there(part)]
    old = [part for part in parts if part not in missing and age_days(part) > OLD_DAYS]
    if not (missing or old) or (parts is PARTS and _was_tried()):
        return {}
    if missing:
        print(f"set-up: fetching {_names(missing)} for {what_for}; only this once.", file=sys.stderr)
    if old:
        print(f"set-up: renewing {_names(old)}, more than {OLD_DAYS} days old.", file=sys.stderr)
    TOOLBOX.mkdir(exist_ok=True)
    if parts is PARTS:
        TRIED.touch()
    trouble = _fetched([*missing, *old], PATIENCE_S if missing else RENEWAL_S)
    for part in old:
        if why := trouble.pop(part.name, None):
            used = f"the one of {age_days(part):.0f} days ago is used"
            print(f"set-up: {part.name} can't be renewed, so {used}: {why}", file=sys.stderr)
    return trouble


def _fetched(parts: Sequence[Part], patience_s: float) -> dict[str, str]:
    """Download parts; returns the unavailable ones, each with the reason."""
    trouble: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir=TOOLBOX, prefix=".apt-") as scratch:
        try:
            apt = Apt(Path(scratch), patience_s)
        except Unavailable as error:
            return {part.name: str(error) for part in parts}
        for part in parts:
            try:
                apt.unpack(part)
            except Unavailable as error:
                trouble[part.name] = str(error)
    return trouble


def _names(parts: Sequence[Part]) -> str:
    return ", ".join(part.name for part in parts)


def age_days(part: Part) -> float:
    """Days since a part was unpacked; 0 for the machine's own."""
    try:
        return max(0.0, (time.time() - (TOOLBOX / part.name / DONE).stat().st_mtime) / DAY_S)
    except OSError:
        return 0.0


def _was_tried() -> bool:
    try:
        return time.time() - TRIED.stat().st_mtime < AGAIN_S
    except OSError:
        return False


def is_there(part: Part) -> bool:
    """Whether a part is unpacked, or installed on the machine."""
    try:
        done = json.loads((TOOLBOX / part.name / DONE).read_text())
    except (OSError, ValueError):
        return shutil.which(part.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None
    return bool(done == list(part.packages))


class Apt:
    """apt's client with private lists and cache, which needs no root and changes nothing on the machine."""

    def __init__(self, scratch: Path, patience_s: float = PATIENCE_S) -> None:
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            raise Unavailable("there is no apt-get here; install it yourself and see that it is on PATH")
        self.scratch, self._end = scratch, time.monotonic() + patience_s
        for folder in ("lists/partial", "cache/archives/partial", "debs"):
            (scratch / folder).mkdir(parents=True)
        self.options = [
            *("-o", f"Dir::State::Lists={scratch / 'lists'}"),
            *("-o", f"Dir::Cache={scratch / 'cache'}"),
            *("-o", "Debug::NoLocking=1"),
            *("-o", "APT::Sandbox::User=root"),
            *("-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"),
        ]
        self.run("apt-get", *self.options, "-qq", "update")

    def run(self, *command: str, cwd: Path | None = None) -> str:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=max(1.0, self._end - time.monotonic()),
                check=False,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                env=_environment(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{command[0]}: {type(error).__name__}") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise Unavailable(f"{command[0]}: {said[-1]}")
        return done.stdout

    def unpack(self, part: Part) -> None:
        """Unpack into a temporary folder and rename it, so that an incomplete part is never used."""
        debs = self.scratch / "debs" / part.name
        debs.mkdir()
        self.run("apt-get", *self.options, "-qq", "download", *self._wanted(part), cwd=debs)
        half_made = self.scratch / part.name
        for deb in sorted(debs.glob("*.deb")):
            self.run("dpkg", "-x", str(deb), str(half_made))
            deb.unlink()
        (half_made / DONE).write_text(json.dumps(list(part.packages)))
        place = TOOLBOX / part.name
        shutil.rmtree(place, ignore_errors=True)
        half_made.rename(place)

    def _wanted(self, part: Part) -> list[str]:
        if not part.with_dependencies:
            return list(part.packages)
        told = self.run(
            "apt-get", *self.options, "--print-uris", "--no-install-recommends", "-y", "install", *part.packages
        )
        files = re.findall(r"^'[^']*' (\S+)_[^_]+_[^_]+\.deb ", told, re.MULTILINE)
        # The C library fits the machine's own loader, and no other.
        return sorted({*part.packages, *files} - {"libc6", "libc-bin"})


def _environment() -> dict[str, str]:
    """The variables for apt and dpkg, including apt's settings and proxies."""
    names = ("apt_config", "http_proxy", "https_proxy", "no_proxy")
    given = {name: value for name, value in os.environ.items() if name.lower() in names}
    return clean(**given) | {"LC_ALL": "C"}


def main() -> int:
    trouble = make_ready()
    for part, why in trouble.items():
        print(f"set-up: no {part} for the lab: {why}", file=sys.stderr)
    if not trouble and all(age_days(part) <= OLD_DAYS for part in PARTS):
        TRIED.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
