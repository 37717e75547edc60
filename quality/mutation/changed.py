"""Run a process with one module changed.

The import returns the changed text instead of the file's. If the module was imported before and only pytest has taken
anything from it, the changed text is executed in the existing module. A Python that the process starts does the same,
through `start/sitecustomize.py`: some probes run in isolated processes.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from quality.mutation.start.begin import change
from tests.harness import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from quality.mutation.mutants import Mutant


START = PROJECT / "quality" / "mutation" / "start"


class Changed:
    """A module's name, file and changed text."""

    def __init__(self, mutant: Mutant) -> None:
        self.module = module_name(mutant.path)
        self.file = str(PROJECT / mutant.path)
        self.source = mutant.applied((PROJECT / mutant.path).read_text())


def module_name(path: str) -> str:
    """Return the import name of a file of the engine or of the built-in suite."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name.removeprefix("src.") if name.startswith("src.") else f"runbook_checks.suite.{name}"


def change_from_here_on(changed: Changed, folder: Path) -> None:
    """Change the module in this process, before its import, and in every Python that the process starts."""
    change(vars(changed))
    os.environ |= for_started(changed, folder)


def for_started(changed: Changed, folder: Path) -> dict[str, str]:
    """Return the variables that make a started Python use the changed module."""
    file = folder / f"changed-{os.getpid()}.json"
    file.write_text(json.dumps(vars(changed)))
    return {"PYTHONMUTATIONCHANGED": str(file), "PYTHONPATH": with_start()}


def with_start() -> str:
    """Return PYTHONPATH with the folder of `sitecustomize.py` in front."""
    return os.pathsep.join([str(START), str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])


def change_here(changed: dict[str, str], item: Any) -> None:
    """Execute the changed text in a module of checks, and make pytest's item call its function."""
    module = sys.modules[changed["module"]]
    code = compile(changed["source"], changed["file"], "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102  the project's own text, changed in one place
    item.obj = getattr(module, item.originalname)
