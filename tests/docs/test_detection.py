"""docs/detection.md has every fault and outage, and each was detected without a false alarm."""

from __future__ import annotations

from quality.matrix.__main__ import JSON, MARKDOWN
from quality.matrix.figures import Figures, as_json
from quality.matrix.page import as_markdown
from runbook_checks_lab.registry import faults, outages

FIGURES = Figures.read(JSON.read_text())
RENEW = "run `make matrix ARGS='--only SYMPTOM'` (with ARGS empty: everything, half an hour)"


def test_every_fault_was_measured() -> None:
    lacking = sorted(set(faults()) ^ set(FIGURES.faults))
    assert not lacking, f"docs/detection.json and the lab differ in these faults: {lacking}; {RENEW}"


def test_every_outage_was_measured() -> None:
    hiding = {name for name, outage in outages().items() if outage.hides}
    lacking = sorted(hiding ^ set(FIGURES.outages))
    assert not lacking, f"docs/detection.json and the lab differ in these outages: {lacking}; {RENEW}"


def test_each_is_detected_without_a_false_alarm() -> None:
    assert FIGURES.wrong == [], f"fix the check, the fault or runbooks/explanations.yaml; then {RENEW}"


def test_pairs_and_healthy_runs_are_enough() -> None:
    assert len(FIGURES.pairs) >= 60
    assert len(FIGURES.healthy) == 3, "one after another, in parallel, and on a busy machine"
    assert FIGURES.healthy["one after another"].runs >= 20


def test_page_and_data_match_the_figures() -> None:
    assert MARKDOWN.read_text() == as_markdown(FIGURES), RENEW
    assert JSON.read_text() == as_json(FIGURES), RENEW
