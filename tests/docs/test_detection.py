"""Does docs/detection.md speak of every fault and every source there is, and say that each is seen and nothing else?"""

from __future__ import annotations

from quality.matrix.__main__ import JSON, MARKDOWN
from quality.matrix.telling import Figures, as_markdown
from runbook_checks_lab.registry import faults, outages

FIGURES = Figures.read(JSON.read_text())
RENEW = "renew it with `make matrix`, or a part of it: `make matrix ARGS='--stage singles --only SYMPTOM'`"


def test_every_fault_has_its_row() -> None:
    assert {row.faults[0] for row in FIGURES.singles} == set(faults()), RENEW


def test_every_source_has_its_row() -> None:
    hiding = {name for name, outage in outages().items() if outage.hides}
    assert {row.faults[0] for row in FIGURES.sources} == hiding, RENEW


def test_each_is_found_with_its_cause_and_nothing_else_is_claimed() -> None:
    goals = FIGURES.goals()
    assert goals["found_percent"] == goals["named_percent"] == 100
    assert goals["false_alarms"] == goals["leaks"] == goals["clear_despite_outage"] == 0


def test_two_faults_at_once_are_both_told() -> None:
    assert len(FIGURES.pairs) >= 60
    assert [row.faults for row in FIGURES.pairs if row.wrong] == []


def test_the_healthy_lab_is_clear_however_it_is_run() -> None:
    assert len(FIGURES.healthy) == 3, "one after another, side by side, and on a busy machine"
    assert len(FIGURES.healthy["one after another"]) >= 20
    assert [row.wrong for rows in FIGURES.healthy.values() for row in rows if row.wrong] == []


def test_the_page_is_what_the_figures_say() -> None:
    assert MARKDOWN.read_text() == as_markdown(FIGURES), RENEW
