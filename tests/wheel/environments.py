"""Virtual environments with an installed wheel, and a user without a clone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.wheel.wheelhouse import pip, wheelhouse

# Python and its installers run without a compiler, git or make: PATH is a folder without programs.
NO_PROGRAMS = "/nonexistent"
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)


def pip_install(python: str, *words: str, **more: str) -> None:
    """Run `pip install` for an interpreter, offline, and from wheels only."""
    install = [*pip(), "--python", python, "install"]
    options = ["--quiet", "--no-input", "--no-index", "--no-cache-dir", "--only-binary", ":all:"]
    env = {"PATH": NO_PROGRAMS, "PIP_FIND_LINKS": wheelhouse().as_uri(), "PIP_CONFIG_FILE": os.devnull, **more}
    done = subprocess.run([*install, *options, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Venv:
    """A virtual environment that is filled only from the wheelhouse."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, python: str = "") -> Venv:
        subprocess.run([python or BASE_PYTHON, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
        return cls(folder)

    @property
    def site_packages(self) -> Path:
        [found] = self.folder.glob("lib/python*/site-packages")
        return found

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def install(self, *words: str) -> None:
        pip_install(self.program("python"), *words)

    def state(self) -> dict[str, tuple[int, int]]:
        """Return each file and folder of the environment, with its time and size."""
        found = {}
        for folder, _, files in os.walk(self.folder):
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                about = path.lstat()
                found[str(path)] = (about.st_mtime_ns, about.st_size)
        return found


@dataclass
class User:
    """A user of an installed wheel, with their own home, cache, state and working directory."""

    venv: Venv
    folder: Path
    path: str = ""
    uid: int | None = None
    has_home: bool = True

    def __post_init__(self) -> None:
        self.work = self.folder / "work"
        for folder in (self.home, self.work):
            folder.mkdir(parents=True)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def cache(self) -> Path:
        return self.folder / "cache" / "runbook-checks"

    @property
    def state(self) -> Path:
        return self.folder / "state" / "runbook-checks"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of their processes; PATH has only the environment's programs."""
        own = {"PATH": self.path or str(self.venv.folder / "bin"), "COLUMNS": "80"}
        if self.has_home:
            own |= {"HOME": str(self.home)}
            own |= {"XDG_CACHE_HOME": str(self.cache.parent), "XDG_STATE_HOME": str(self.state.parent)}
        return own | more

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command that must not change the environment and the home."""
        before = self.venv.state()
        done = subprocess.run(
            words, cwd=self.work, env=self.environment(**more), capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, user=self.uid, group=self.uid, extra_groups=None if self.uid is None else [],
        )  # fmt: skip
        assert self.venv.state() == before, done.stdout + done.stderr
        assert not list(self.home.iterdir())
        return done

    def checks(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `runbook-checks`."""
        return self.run(self.venv.program("runbook-checks"), *words, **more)
