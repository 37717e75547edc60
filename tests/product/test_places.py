"""Every symptom has a text, a check, and for each system faults, an outage and a boundary; missing ones are named.

Each message names the file to add it to; CONTRIBUTING.md shows an example of each.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from runbook_checks_lab.registry import boundaries, faults, outages
from tests.harness import PROJECT
from tests.listed import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB = "lab/src/runbook_checks_lab"
WITHOUT_BOUNDARY = "tests/proof/without_boundary.yaml"
# The kernel shows its table of sockets to every user.
NEVER_HIDDEN = {("preflight.address-in-use", "aura-flow")}


@cache
def texts() -> dict[str, Any]:
    """Return the symptoms of runbooks/symptoms/, by name."""
    documents = [yaml.safe_load(path.read_text()) for path in (PROJECT / "runbooks" / "symptoms").glob("*.yaml")]
    return {name: text for document in documents for name, text in document.items()}


@cache
def checks() -> dict[str, list[tuple[str, ast.FunctionDef]]]:
    """Return the functions decorated with @symptom, by symptom, each with its file."""
    found: dict[str, list[tuple[str, ast.FunctionDef]]] = {}
    for path in sorted((PROJECT / "checks").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                for name in _symptoms_of(node):
                    found.setdefault(name, []).append((f"checks/{path.name}", node))
    return found


def _symptoms_of(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "symptom":
            yield ast.literal_eval(decorator.args[0])


def require_none(missing: list[str]) -> None:
    """Fail with these sentences, without a traceback."""
    if missing:
        pytest.fail("\n".join(missing), pytrace=False)


def area_of(symptom: str) -> str:
    return symptom.partition(".")[0]


def folder_of(system: str) -> str:
    return system.replace("-", "_")


def test_every_text_has_a_check() -> None:
    missing = [
        f'{name} has no check: add a function with @symptom("{name}") to checks/{area_of(name)}.py'
        for name in texts().keys() - checks().keys()
    ]
    require_none(missing)


def test_every_check_has_a_text() -> None:
    missing = [
        f"{name} has no text: add it to runbooks/symptoms/{area_of(name)}.yaml"
        for name in checks().keys() - texts().keys()
    ]
    require_none(missing)


def test_every_check_has_one_place_and_a_docstring() -> None:
    wrong = []
    for name, functions in checks().items():
        area, files = area_of(name), [file for file, _ in functions]
        if len(files) > 1:
            wrong.append(f"{name} has {len(files)} checks ({', '.join(files)}): keep one")
        if files[0].removeprefix("checks/").removesuffix(".py").partition("_")[0] != area:
            wrong.append(f"{name} is in {files[0]}: move it to checks/{area}.py, or checks/{area}_SOMETHING.py if full")
        if not ast.get_docstring(functions[0][1]):
            wrong.append(f"{name} has no docstring: say in {files[0]} why the symptom matters")
    require_none(wrong)


def test_every_symptom_is_listed_by_a_system() -> None:
    listed = {row["symptom"] for row in rows()}
    missing = [
        f"{name} is checked nowhere: list it under `symptoms:` in runbooks/SYSTEM.yaml, for a system that has what the "
        "check needs in environments/lab.yaml"
        for name in (texts().keys() & checks().keys()) - listed
    ]
    require_none(missing)


def test_every_cause_has_a_fault() -> None:
    missing = [
        f"{row['symptom']}:{cause} has no fault for {row['system']}: add one with "
        f'@fault("{row["symptom"]}", cause="{cause}") to {LAB}/faults/{folder_of(row["system"])}/'
        for row in rows()
        for cause in row["causes"]
        if f"{row['symptom']}:{cause}" not in row["faults"]
    ]
    require_none(missing)


def test_every_fault_has_a_cause() -> None:
    causes = {f"{row['symptom']}:{cause}@{row['system']}" for row in rows() for cause in row["causes"]}
    wrong = [
        f"{name} is the fault of no cause: add the cause to runbooks/symptoms/{area_of(name)}.yaml, or the symptom to "
        f"runbooks/{fault.system}.yaml, or remove the fault"
        for name, fault in faults().items()
        if name not in causes
    ]
    require_none(wrong)


def test_every_check_has_an_outage() -> None:
    hidden = {(symptom, outage.system) for outage in outages().values() for symptom in outage.hides}
    missing = [
        f"{symptom} has no outage for {system}: name it in an @outage(...) of {LAB}/outages/{folder_of(system)}.py "
        "that removes what the check needs, or add one"
        for symptom, system in sorted({(row["symptom"], row["system"]) for row in rows()} - hidden - NEVER_HIDDEN)
    ]
    require_none(missing)


def test_every_symptom_has_a_boundary_or_a_reason() -> None:
    excused = {name for names in yaml.safe_load((PROJECT / WITHOUT_BOUNDARY).read_text()).values() for name in names}
    with_boundary = {boundary.name.partition("/")[0] for boundary in boundaries().values()}
    systems = {row["symptom"]: folder_of(row["system"]) for row in rows()}
    missing = [
        f'{name} has no boundary: add one with boundary("{name}", ...) to {LAB}/boundaries/{systems[name]}/'
        f"{area_of(name)}.py; if no number decides on it, add it to {WITHOUT_BOUNDARY} with the reason"
        for name in sorted(systems.keys() - with_boundary - excused)
    ]
    needless = [
        f"{name} needs no reason in {WITHOUT_BOUNDARY}: remove it there"
        for name in sorted(excused & with_boundary | excused - systems.keys())
    ]
    require_none(missing + needless)
