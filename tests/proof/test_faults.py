"""Every fault is found with its cause, and everything else that is reported is explained by it.

Each fault is run with its own check, and one of each area with all checks. `make matrix` runs each with all checks;
docs/detection.json has the results.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from runbook_checks_lab.registry import faults
from runbook_checks_lab.systems import SYSTEMS
from tests.harness import LabClient, describe
from tests.listed import check_of, with_drills

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 20
FAULTS = {f"{fault.system}-{fault.name}": fault for fault in faults().values()}
# A placeholder without a value; placeholders of the signature scheme are intended.
UNFILLED = re.compile(r"<(?!timestamp>|body>)[a-z0-9_]+>|''|\bNone\b")


@pytest.mark.parametrize("system", SYSTEMS)
def test_healthy_lab_is_all_clear(lab_of: Callable[[str], LabClient], system: str) -> None:
    ran = lab_of(system).check()
    assert ran.code == 0, describe(ran)
    assert set(ran.outcomes("clear")) == set(ran.results), describe(ran)


def one_of_each_area() -> list[str]:
    """Return faults chosen at random, so that every system has some."""
    drawn: dict[str, str] = {}
    for name in random.Random(SEED).sample(list(FAULTS), len(FAULTS)):  # noqa: S311  no secret
        drawn.setdefault(FAULTS[name].name.partition(".")[0], name)
    return list(drawn.values())


WHOLE = one_of_each_area()


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_with_its_cause_and_explains_everything_else(
    lab_of: Callable[[str], LabClient], name: str
) -> None:
    fault = FAULTS[name]
    symptom, _, cause = fault.name.partition(":")
    lab = lab_of(fault.system)
    with lab.fault(fault.name):
        ran = lab.check(*with_drills([symptom]) if name in WHOLE else [check_of(symptom, fault.system)])
    result = ran.results[symptom]
    assert result["outcome"] == "found", describe(ran)
    assert cause in {finding["cause"] for finding in result["findings"]}, describe(ran)
    assert ran.code == 1
    assert "Traceback" not in ran.output()
    # Everything else that is found is explained by the root cause of the fault's own symptom.
    family = {f"{symptom}[{fault.system}]"} | {finding["explained_by"] for finding in result["findings"]} - {None}
    unexplained = [
        root for root in ran.document["roots"] if root.partition("#")[0] not in {f.partition("#")[0] for f in family}
    ]
    assert not unexplained, describe(ran)
    for finding in result["findings"]:
        assert finding["remedy"], describe(ran)
        for sentence in (finding["because"], *finding["remedy"]):
            assert UNFILLED.findall(sentence) == [], sentence
