"""List all checks, and those that run only on request (drills)."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.harness import run

if TYPE_CHECKING:
    from collections.abc import Iterable


@cache
def rows() -> list[dict[str, Any]]:
    """Return every check of every system, drills included."""
    ran = run("--env", "lab", "-m", "drill or not drill", "--list-symptoms=json")
    assert ran.code == 0, ran.output()
    return list(json.loads(ran.stdout))


def check_of(symptom: str, system: str) -> str:
    """Return the check's node id."""
    [check] = [row["check"] for row in rows() if (row["symptom"], row["system"]) == (symptom, system)]
    return str(check)


@cache
def drills() -> set[str]:
    """Return the symptoms that are checked only on request."""
    return {row["symptom"] for row in rows() if "drill" in row["when"]}


def with_drills(symptoms: Iterable[str]) -> list[str]:
    """Return the selection of all default checks, and of the drills among these symptoms."""
    areas = sorted({symptom.partition(".")[0] for symptom in symptoms if symptom in drills()})
    return ["-m", f"not drill or {' or '.join(areas)}"] if areas else []
