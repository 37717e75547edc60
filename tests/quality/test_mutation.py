"""docs/mutation.md is up to date, its survivors have reasons, and the campaign detects some changes."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

from quality.mutation import page
from quality.mutation.changed import Changed, for_started
from quality.mutation.kept import KEPT, Key, as_json, kept, reasons
from quality.mutation.mutants import mutants
from quality.mutation.traced import traced
from runbook_checks.probes.core.isolated import run_isolated
from runbook_checks.probes.core.reading import MAX_REASON, one_line
from tests.harness import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

READING = "src/runbook_checks/probes/core/reading.py"


@cache
def possible(path: str) -> set[Key]:
    file = PROJECT / path
    return {mutant.key for mutant in mutants(file)} if file.is_file() else set()


def test_every_reason_refers_to_existing_code() -> None:
    gone = [key for key in reasons() if key not in possible(key[0])]
    assert not gone, "this code changed: remove or rewrite these in quality/mutation/reasons.yaml; then make mutation"


def test_every_survivor_has_a_reason() -> None:
    survivors = [key for module in kept() for key in module.survivors if key in possible(key[0])]
    assert survivors
    without = [key for key in survivors if key not in reasons()]
    assert not without, "no test notices these: add a boundary or a test, simplify, or give a reason in reasons.yaml"


def test_document_is_made_from_the_kept_figures() -> None:
    assert KEPT.read_text() == as_json(kept()), "docs/mutation.json is written by `make mutation`"
    assert (PROJECT / "docs" / "mutation.md").read_text() == page.document(), "python -m quality.mutation --render"


def test_share_of_detected_changes_does_not_fall() -> None:
    checks = [module for module in kept() if module.path.startswith("checks/")]
    below = [module for module in kept() if module not in checks]
    for modules, least in ((checks, 0.95), (below, 0.85)):
        noticed, counted = sum(module.noticed for module in modules), sum(module.considered for module in modules)
        assert noticed >= least * counted, f"{noticed} of {counted}"
    assert sum(module.tried for module in below) >= 250, "make mutation ARGS='--probes 250'"
    assert {module.path for module in checks} == {
        path.relative_to(PROJECT).as_posix() for path in (PROJECT / "checks").glob("*.py") if mutants(path)
    }, "docs/mutation.json lacks a module of checks: run `make mutation ARGS='--only checks/NAME.py'`"


def test_isolated_processes_are_changed_and_traced_too(tmp_path: Path) -> None:
    changed = Changed(next(one for one in mutants(PROJECT / READING) if one.where == "MAX_REASON"))
    words = [sys.executable, "-c", "from runbook_checks.probes.core.reading import MAX_REASON; print(MAX_REASON)"]
    variables = os.environ | for_started(changed, tmp_path)
    done = subprocess.run(words, cwd=PROJECT, env=variables, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 2 * MAX_REASON
    lines: dict[str, set[int]] = {}
    with traced(lines):
        assert run_isolated(one_line, "as it is", resource="test", timeout_s=30) == "as it is"
    assert lines[READING]
    assert "PYTHONMUTATIONLINES" not in os.environ


def test_some_changes_are_detected() -> None:
    """Run the campaign on six changes to three conditions, in the smallest lab."""
    words = ["--only", "checks/preflight.py", "--function", "check_database_is_switched_on"]
    done = subprocess.run(
        [sys.executable, "-m", "quality.mutation", *words, "--system", "ai-customer-service"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert "6 of 6 detected" in done.stdout, done.stdout + done.stderr
