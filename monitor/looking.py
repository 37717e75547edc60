"""How are the checks run for the monitor? In a process of their own, for a time: nothing they do stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
SHORTEST_S = 60.0


class NoDocument(Exception):
    """The run left no results; the sentence says why."""


def run_checks(environment: Path, select: str, folder: Path, limit_s: float, *, with_metrics: bool) -> dict[str, Any]:
    """Run the checks on an environment and return their results document."""
    results = folder / "results.json"
    metrics = folder / "run.prom"
    for path in (results, metrics):
        path.unlink(missing_ok=True)
    nobody = folder / "nothing-known.yaml"  # what is acknowledged is for the monitor to decide, at its own time
    nobody.write_text("acknowledged: []\n", encoding="utf-8")
    words = [sys.executable, "-I", "-m", "ci.command", f"--env={environment}", "-m", select, "-q"]
    words += ["--results", str(results)]
    words += ["--out", str(folder / "runs"), "--known", str(nobody)]
    if with_metrics:
        words += ["--metrics", str(metrics)]
    environ = {name: value for name, value in os.environ.items() if name != "CHECKS_ADDOPTS"}
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=environ, start_new_session=True)
    try:
        code = child.wait(max(SHORTEST_S, limit_s))
    except subprocess.TimeoutExpired:
        raise NoDocument(f"the checks came to no end within {max(SHORTEST_S, limit_s):g} s") from None
    finally:
        _end(child)
    if code in (0, 1, 10) and results.is_file():
        return read_document(results)
    raise NoDocument(f"the checks ended with exit code {code}" + (" (nothing verified)" if code == 5 else ""))


def _end(child: subprocess.Popen[bytes]) -> None:
    """End it and whatever it started."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def read_document(path: Path) -> dict[str, Any]:
    """A results document from a file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoDocument(f"{path} is no results document: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != 1:
        raise NoDocument(f"{path} is no results document of schema 1")
    return document
