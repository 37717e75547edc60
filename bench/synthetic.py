"""What do checks of one's own look like? Runbook, environment and checks lie outside the project; these only wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SYSTEMS = ("north", "east", "south", "west")
CHECKS = 20  # for each system

_ENVIRONMENT = """\
name: bench
tier: development
systems:
"""
_SECTION = """\
  {system}:
    runbook: waiting.yaml
    backups: {{folder: .}}
"""
_RUNBOOK = """\
title: A system that takes its time
symptoms:
  backup.stale:
"""
_HEAD = """\
from time import sleep

from runbook_checks import symptom
from runbook_checks.handles.backups import Backups
"""
_CHECK = """

@symptom("backup.stale")
def check_{number:02}(backups: Backups) -> None:
    sleep({wait_s})
"""


def write_environment(folder: Path) -> Path:
    """The environment file of four systems, with their runbook beside it."""
    (folder / "waiting.yaml").write_text(_RUNBOOK)
    environment = folder / "bench.yaml"
    environment.write_text(_ENVIRONMENT + "".join(_SECTION.format(system=system) for system in SYSTEMS))
    return environment


def write_checks(folder: Path, wait_s: float) -> Path:
    """A module of checks that each wait this long."""
    module = folder / "checks" / f"waiting_{round(wait_s * 1000)}_ms.py"
    module.parent.mkdir(exist_ok=True)
    module.write_text(_HEAD + "".join(_CHECK.format(number=number, wait_s=wait_s) for number in range(CHECKS)))
    return module
