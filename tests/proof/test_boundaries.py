"""Each check is clear just inside its limits, and finds the cause just outside.

There are hundreds of these states, so a boundary without settings is checked in a process that has already loaded the
project.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from quality.mutation.check_process import CheckProcess
from runbook_checks_lab.registry import Change, boundaries
from tests.listed import check_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness import LabClient

BOUNDARIES = {f"{boundary.system}-{boundary.name}": boundary for boundary in boundaries().values()}


def _check(boundary: Change) -> str:
    return check_of(boundary.name.partition("/")[0], boundary.system)


@pytest.fixture(scope="session")
def process_of(lab_of: Callable[[str], LabClient]) -> Iterator[Callable[[str], CheckProcess]]:
    processes: dict[str, CheckProcess] = {}
    with ExitStack() as stack:

        def process(system: str) -> CheckProcess:
            if system not in processes:
                lab = lab_of(system)
                checks = [_check(boundary) for boundary in BOUNDARIES.values() if boundary.system == system]
                processes[system] = CheckProcess.spawned(lab.state, lab.state.parent, checks)
                stack.callback(processes[system].close)
            return processes[system]

        yield process


@pytest.mark.parametrize("boundary", BOUNDARIES.values(), ids=BOUNDARIES)
def test_near_a_limit(
    lab_of: Callable[[str], LabClient], process_of: Callable[[str], CheckProcess], boundary: Change
) -> None:
    lab = lab_of(boundary.system)
    with lab.boundary(boundary.name):
        reported = _run(lab, boundary) if boundary.settings else _looked(process_of(boundary.system), boundary)
    assert reported == (sorted(boundary.expected) or ["clear"])


def _looked(process: CheckProcess, boundary: Change) -> list[str]:
    verdict = process.verdict(_check(boundary))
    if verdict["outcome"] != "found":
        assert verdict["outcome"] != "unknown" or verdict["resource"], verdict
        return [verdict["outcome"]]
    return sorted(_named(one.split(" ")[0], one.split(" ")[1], boundary) for one in verdict["findings"])


def _run(lab: LabClient, boundary: Change) -> list[str]:
    ran = lab.check(_check(boundary), env=lab.varied(boundary.system, boundary.settings))
    [result] = ran.document["results"]
    assert result["outcome"] != "unknown" or result["resource"], ran.stdout
    if result["outcome"] != "found":
        return [result["outcome"]]
    findings: list[dict[str, Any]] = result["findings"]
    return sorted(_named(finding["severity"], str(finding["cause"]), boundary) for finding in findings)


def _named(severity: str, cause: str, boundary: Change) -> str:
    """Return the cause, with its severity if the boundary expects one."""
    return f"{severity} {cause}" if f"{severity} {cause}" in boundary.expected else cause
