"""Handles as in a run: read from an environment file, bound to the far ends that it names."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from runbook_checks.config.load import read
from runbook_checks.config.run import Run
from runbook_checks.handles import Handle
from runbook_checks.handles.context import Context

One = TypeVar("One", bound=Handle)
SYSTEM = "shop"


@contextmanager
def handle(
    kind: type[One],
    folder: Path,
    started: float | None = None,
    effects: str = "refused",
    tier: str = "staging",
    **given: Any,
) -> Iterator[One]:
    """Return the handle of a system to which the environment gives these capabilities."""
    (folder / f"{SYSTEM}.yaml").write_text("symptoms: {}\n")
    system = {"runbook": f"{SYSTEM}.yaml", **given}
    file = folder / "environment.yaml"
    here = {"allow": ["127.0.0.0/8"]}
    whole = {"name": "test", "tier": tier, "effects": effects, "far_ends": here, "systems": {SYSTEM: system}}
    file.write_text(json.dumps(whole))
    files = read(file)
    run = Run(files, str(file), "test", time.time() if started is None else started, systems=files.systems)
    context = Context(run)
    try:
        yield kind(context, files.systems[SYSTEM])
    except pytest.skip.Exception as skip:
        raise AssertionError(f"the check was skipped although it has a source: {skip}") from None
    finally:
        context.close()
