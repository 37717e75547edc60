"""Is what is told of changes to the checks still so, and are some of them noticed right now?"""

from __future__ import annotations

import subprocess
import sys
from functools import cache

from tests.harness import PROJECT
from tests.mutation.kept import Key, reasons
from tests.mutation.mutants import mutants


@cache
def possible(path: str) -> set[Key]:
    file = PROJECT / path
    return {mutant.key for mutant in mutants(file)} if file.is_file() else set()


def test_every_reason_speaks_of_code_that_is_there() -> None:
    gone = [key for key in reasons() if key not in possible(key[0])]
    assert not gone, "take these out of tests/mutation/reasons.yaml, or say them anew; then make mutation"


def test_some_changes_are_noticed() -> None:
    """The machinery works: six changes to three conditions, in the smallest lab."""
    words = ["--only", "checks/preflight.py", "--function", "check_database_is_switched_on"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", *words, "--system", "ai-customer-service"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert "6 of 6 noticed" in done.stdout, done.stdout + done.stderr
