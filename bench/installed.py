"""Start-up of an installed wheel: the command runbook-checks in any folder, against bare pytest."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from bench.goals import Figures, Goal
from bench.measuring import PROJECT, Command, NotMeasured, environment, in_turns
from bench.side import virtual_environment
from bench.startup import AT_MOST, WORDS, bare_pytest

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 15


# The script that an installer writes for the entry point in pyproject.toml.
SCRIPT = "import sys\nfrom runbook_checks.cli.main import main\nsys.exit(main())\n"


def measure(folder: Path, *, rounds: int = ROUNDS) -> Figures:
    """Build the wheel and install it, with the packages of this environment; then measure as for the clone."""
    python, command = _installed(_built(folder / "wheel"), folder / "venv")
    bare = bare_pytest(folder, python)
    variables = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state")}
    words = (python, command, "--env", "lab", *WORDS)
    product = Command("runbook-checks --env lab -m health --collect-only", words, bare.folder, variables)
    in_turns([product, bare], rounds)
    goal = Goal.against("an installed wheel's start-up against bare pytest", product, bare, AT_MOST)
    return Figures([product, bare], [goal])


def _built(folder: Path) -> Path:
    command = [sys.executable, "-I", "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"the wheel cannot be built: {done.stderr.strip()[-500:]}")
    [wheel] = folder.glob("*.whl")
    return wheel


def _installed(wheel: Path, folder: Path) -> tuple[str, str]:
    """Return interpreter and command of a virtual environment with this wheel. uv's environments have no pip."""
    python = virtual_environment(folder)
    [site_packages] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
    command = folder / "bin" / "runbook-checks"
    command.write_text(SCRIPT)
    return str(python), str(command)
