"""List the checks that there are, and those that run only when they are asked for."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.harness import run

if TYPE_CHECKING:
    from collections.abc import Iterable


@cache
def rows() -> list[dict[str, Any]]:
    """Every check of every system, those too that are looked for only when asked for."""
    ran = run("--env", "lab", "-m", "drill or not drill", "--list-symptoms=json")
    assert ran.code == 0, ran.output()
    return list(json.loads(ran.stdout))


def check_of(symptom: str, system: str) -> str:
    """Its node id, to be run by itself."""
    [check] = [row["check"] for row in rows() if (row["symptom"], row["system"]) == (symptom, system)]
    return str(check)


@cache
def drills() -> set[str]:
    """The symptoms that are looked for only when asked for."""
    return {row["symptom"] for row in rows() if "drill" in row["when"]}


def with_drills(symptoms: Iterable[str]) -> list[str]:
    """Everything that runs unasked, and those drills that are among the symptoms."""
    areas = sorted({symptom.partition(".")[0] for symptom in symptoms if symptom in drills()})
    return ["-m", f"not drill or {' or '.join(areas)}"] if areas else []
