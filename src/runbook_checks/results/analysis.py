"""What is worked out from the results of a run: roots, alternatives and exclusions, beside the results themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook_checks.results.alternatives import NONE, Alternatives, find_alternatives
from runbook_checks.results.exclusions import find_exclusions
from runbook_checks.results.roots import Root, find_roots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runbook_checks.config.run import Run
    from runbook_checks.results.model import Finding, Result
    from runbook_checks.results.root_graph import Item


@dataclass(frozen=True)
class Analysis:
    """Roots, and what is known of each finding and unknown beyond what its check said."""

    roots: Sequence[Root]
    """The gravest first."""
    explained_by: Mapping[Item, str]
    """The name of the root of each finding and unknown that has one."""
    not_counted: Mapping[Finding, str] = field(default_factory=dict)
    """Why a finding does not count at the gate, where it does not."""
    notes: Sequence[str] = ()
    """What the reader should know about what does not count."""
    _alternatives: Mapping[Item, Alternatives] = field(default_factory=dict)

    def alternatives(self, item: Item) -> Alternatives:
        """What else may be behind a finding or an unknown, and what is ruled out."""
        return self._alternatives.get(item, NONE)


def analyse(results: Sequence[Result], run: Run, at: float) -> Analysis:
    """The analysis of a run's results, with its explanations, its acknowledgements and its baseline."""
    explanations = run.files.explanations
    roots, explained_by = find_roots(results, explanations)
    listed = {name: system.symptoms for name, system in run.systems.items()}
    alternatives = find_alternatives(results, roots, explained_by, explanations, listed)
    not_counted, notes = find_exclusions(results, run.known, run.baseline, at)
    return Analysis(roots, explained_by, not_counted, notes, alternatives)
