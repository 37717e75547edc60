"""Does a check have its limits where they should be: silent just inside, telling just outside?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.registry import Change, edges
from tests.proof.test_faults import rows, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import LabClient

EDGES = {f"{edge.system}-{edge.name}": edge for edge in edges().values()}


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_near_a_limit(lab_of: Callable[[str], LabClient], edge: Change) -> None:
    lab, symptom = lab_of(edge.system), edge.name.partition("/")[0]
    [check] = [row["check"] for row in rows() if (row["symptom"], row["system"]) == (symptom, edge.system)]
    with lab.edge(edge.name):
        ran = lab.check(check, env=lab.varied(edge.system, edge.settings))
    result = ran.results[symptom]
    if edge.told == ("unknown",):
        assert result["outcome"] == "unknown", told(ran)
        assert result["resource"], told(ran)
        return
    if edge.told == ("skipped",):
        assert result["outcome"] == "skipped", told(ran)
        return
    assert result["outcome"] == ("found" if edge.told else "clear"), told(ran)
    found = sorted(_named(finding, edge.told) for finding in result["findings"])
    assert found == sorted(edge.told), told(ran)


def _named(finding: dict[str, str], told: tuple[str, ...]) -> str:
    """With its severity where one is told with it."""
    full = f"{finding['severity']} {finding['cause']}"
    return full if full in told else str(finding["cause"])
