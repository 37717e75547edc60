"""The allowed imports of each package (its floor), including imports for types and inside functions."""

from __future__ import annotations

from functools import cache

import pytest

from tests.harness import PROJECT
from tests.imports import ImportGraph, import_graph

ENGINE, LAB = "runbook_checks", "runbook_checks_lab"
# The packages that each part of the engine may import; "" is the engine's own __init__, the API for checks.
FLOORS = {
    "": {"verdicts", "probes.core"},
    "locations": set[str](),
    "inputs": set[str](),
    "verdicts": set[str](),
    "config": {"inputs", "locations"},
    "probes": {"inputs", "locations"},
    "output": {"locations", "config"},
    "results": {"locations", "config"},
    "handles": {"inputs", "locations", "config", "output", "probes"},
    "plugin": {"inputs", "locations", "verdicts", "config", "output", "handles", "results", "probes.core"},
    "reports": {"locations", "config", "output", "results"},
    "monitor": {"locations", "config", "output", "probes", "results", "reports"},
    "cli": {"locations", "config", "output", "handles", "results", "plugin", "reports", "monitor", "probes"},
    "suite": {"locations"},
}


@cache
def graph(package: str, folder: str) -> ImportGraph:
    return import_graph(PROJECT / folder, package)


def engine() -> ImportGraph:
    return graph(ENGINE, f"src/{ENGINE}")


def floor_of(module: str) -> str:
    return module.removeprefix(ENGINE).removeprefix(".").partition(".")[0]


def is_in(module: str, part: str) -> bool:
    whole = f"{ENGINE}.{part}" if part else ENGINE
    return module == whole or (bool(part) and module.startswith(f"{whole}."))


def test_every_part_of_the_engine_has_its_floor() -> None:
    parts = {floor_of(module) for module in engine().imports}
    assert parts == set(FLOORS), "add to FLOORS what each part of the engine may import"


@pytest.mark.parametrize("floor", FLOORS)
def test_engine_imports_only_from_lower_floors(floor: str) -> None:
    allowed = {floor, *FLOORS[floor]} if floor else {*FLOORS[floor]}
    wrong = [
        f"{module} -> {target}"
        for module, targets in engine().imports.items()
        if floor_of(module) == floor
        for target in targets
        if not any(is_in(target, part) for part in allowed)
    ]
    assert not wrong, f"{floor or ENGINE} may import {sorted(allowed)} only; move what these need: {wrong}"


def test_checks_import_only_the_engine() -> None:
    """A check uses the API, its handles, and the facts that their probes return."""
    allowed = tuple(
        f"{ENGINE}.{name}"
        for name in ("handles.", "inputs.", "probes.", "suite.fixtures.", "Found", "NoReading", "symptom")
    )
    wrong = [
        f"{module} -> {name}"
        for module, names in graph("checks", "checks").outside.items()
        for name in names
        if name.startswith((ENGINE, LAB)) and not name.startswith(allowed)
    ]
    assert not wrong, f"checks may import {allowed} only: {wrong}"


def test_lab_and_engine_share_no_code() -> None:
    """A mistake in shared code would hide itself."""
    lab = graph(LAB, f"lab/src/{LAB}")
    assert lab.imports
    assert [name for names in lab.outside.values() for name in names if name.split(".")[0] == ENGINE] == []
    assert [name for names in engine().outside.values() for name in names if name.split(".")[0] == LAB] == []
