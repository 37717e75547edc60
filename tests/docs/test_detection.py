"""Does docs/detection.md speak of every fault there is, and say that each is seen?"""

from __future__ import annotations

from lab.registry import faults
from tests.matrix.__main__ import JSON, MARKDOWN
from tests.matrix.telling import Figures, as_markdown

FIGURES = Figures.read(JSON.read_text())
RENEW = "renew it with `make matrix`, or a part of it: `make matrix ARGS='--only SYMPTOM --pairs 0 --healthy 0'`"


def test_every_fault_has_its_row() -> None:
    assert {row.faults[0] for row in FIGURES.singles} == set(faults()), RENEW


def test_each_is_found_with_its_cause_and_nothing_leaks() -> None:
    goals = FIGURES.goals()
    assert goals["found_percent"] == goals["named_percent"] == 100
    assert goals["leaks"] == goals["clear_though_blind"] == 0
    assert goals["false_alarms"] <= 3, "no more than there were"


def test_the_page_is_what_the_figures_say() -> None:
    assert MARKDOWN.read_text() == as_markdown(FIGURES), RENEW
