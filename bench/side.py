"""A checkout that is measured, with its interpreter and its own lab."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measuring import PROJECT, Command, NotMeasured, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE_S = 60.0
SITE_PACKAGES = sysconfig.get_path("purelib")
"""The packages of this interpreter; both sides of a comparison use them."""


@dataclass(frozen=True)
class Side:
    """One checkout. Each side runs its own code in its own folder."""

    title: str
    folder: Path
    python: str

    def command(self, title: str, *words: str, variables: Mapping[str, str] | None = None) -> Command:
        """Return a command that runs its interpreter with these words, in its folder."""
        return Command(title, (self.python, *words), self.folder, variables or {})

    def pytest(self, *words: str, variables: Mapping[str, str] | None = None) -> Command:
        """Return the command `pytest --env lab` with these words."""
        title = " ".join(filter(None, ("pytest --env lab", *words, self.title)))
        return self.command(title, "-m", "pytest", "--env", "lab", *words, variables=variables)

    @contextmanager
    def lab(self, folder: Path) -> Iterator[dict[str, str]]:
        """Run its lab with all systems; yield the variables by which its pytest finds it."""
        folder.mkdir(exist_ok=True)
        state = folder / "lab.json"
        with (folder / "said").open("w+") as said:
            words = (self.python, "-m", self._lab_module, "--state", str(state))
            child = subprocess.Popen(words, cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL, stderr=said)
            try:
                _wait_for(state, child, folder / "said")
                yield {"CHECKS_LAB": str(state), "CHECKS_OUT": str(folder / "out")}
            finally:
                child.terminate()
                child.wait(30)

    @property
    def _lab_module(self) -> str:
        # the lab used to be a top-level package
        return "runbook_checks_lab" if (self.folder / "lab" / "src").is_dir() else "lab"


HERE = Side("", PROJECT, sys.executable)


def _wait_for(state: Path, child: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not state.is_file():
        if child.poll() is not None:
            raise NotMeasured(f"the lab did not start: {said.read_text()[-500:]}")
        if time.monotonic() > end:
            raise NotMeasured(f"the lab did not start within {PATIENCE_S:.0f} s")
        time.sleep(0.02)
    missing = json.loads(state.read_text())["missing"]
    if missing:
        raise NotMeasured("; ".join(f"the lab has no {part}: {why}" for part, why in missing.items()))


def virtual_environment(folder: Path, *sources: Path) -> Path:
    """Make a virtual environment with the packages of this one and these import folders; return its interpreter.

    A line of a .pth file adds a folder but does not read the .pth files in it, so an editable install in this
    environment has no effect in the new one.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
    [site_packages] = folder.glob("lib/python*/site-packages")
    (site_packages / "bench.pth").write_text("".join(f"{source}\n" for source in (SITE_PACKAGES, *sources)))
    return folder / "bin" / "python"
