"""Does a check have its limits where they should be: silent just inside, telling just outside?

There are hundreds of these states, so where the environment file needn't say anything else the checks are asked in a
process that has loaded the project already.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from quality.mutation.looker import Looker
from runbook_checks_lab.registry import Change, edges
from tests.listed import check_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness import LabClient

EDGES = {f"{edge.system}-{edge.name}": edge for edge in edges().values()}


def _check(edge: Change) -> str:
    return check_of(edge.name.partition("/")[0], edge.system)


@pytest.fixture(scope="session")
def looker_of(lab_of: Callable[[str], LabClient]) -> Iterator[Callable[[str], Looker]]:
    lookers: dict[str, Looker] = {}
    with ExitStack() as stack:

        def looker(system: str) -> Looker:
            if system not in lookers:
                lab = lab_of(system)
                checks = [_check(edge) for edge in EDGES.values() if edge.system == system]
                lookers[system] = Looker.spawned(lab.state, lab.state.parent, checks)
                stack.callback(lookers[system].close)
            return lookers[system]

        yield looker


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_near_a_limit(lab_of: Callable[[str], LabClient], looker_of: Callable[[str], Looker], edge: Change) -> None:
    lab = lab_of(edge.system)
    with lab.edge(edge.name):
        told = _run(lab, edge) if edge.settings else _looked(looker_of(edge.system), edge)
    assert told == (sorted(edge.told) or ["clear"])


def _looked(looker: Looker, edge: Change) -> list[str]:
    verdict = looker.verdict(_check(edge))
    if verdict["outcome"] != "found":
        assert verdict["outcome"] != "unknown" or verdict["resource"], verdict
        return [verdict["outcome"]]
    return sorted(_named(one.split(" ")[0], one.split(" ")[1], edge) for one in verdict["told"])


def _run(lab: LabClient, edge: Change) -> list[str]:
    ran = lab.check(_check(edge), env=lab.varied(edge.system, edge.settings))
    [result] = ran.document["results"]
    assert result["outcome"] != "unknown" or result["resource"], ran.stdout
    if result["outcome"] != "found":
        return [result["outcome"]]
    findings: list[dict[str, Any]] = result["findings"]
    return sorted(_named(finding["severity"], str(finding["cause"]), edge) for finding in findings)


def _named(severity: str, cause: str, edge: Change) -> str:
    """With its severity where one is told with it."""
    return f"{severity} {cause}" if f"{severity} {cause}" in edge.told else cause
