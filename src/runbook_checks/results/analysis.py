"""The analysis of a run's results: roots, alternatives and exclusions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.results.alternatives import Alternatives, of_roots
from runbook_checks.results.exclusions import find_exclusions
from runbook_checks.results.roots import Root, find_roots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runbook_checks.config.run import Run
    from runbook_checks.results.model import Result
    from runbook_checks.results.root_graph import Observation


@dataclass(frozen=True)
class Analysis:
    """Roots, and everything about findings and unknowns that their checks alone do not know."""

    roots: Sequence[Root]
    """The gravest first."""
    explained_by: Mapping[Observation, str]
    """The name of the root of each finding and unknown that has one."""
    not_counted: Mapping[Observation, str]
    """Why a finding does not count at the gate, for each that does not."""
    notes: Sequence[str]
    """Notes for the report about findings that do not count."""
    _of_roots: Mapping[Observation, Alternatives]

    def alternatives(self, observation: Observation) -> Alternatives:
        """Other possible causes of a finding or an unknown, and those ruled out."""
        return self._of_roots.get(observation) or Alternatives.of(observation)


def analyse(results: Sequence[Result], run: Run, at: float) -> Analysis:
    """The analysis of a run's results, with its explanations, its acknowledgements and its baseline."""
    roots, explained_by = find_roots(results, run.files.explanations)
    not_counted, notes = find_exclusions(results, run.known, run.baseline, at)
    return Analysis(roots, explained_by, not_counted, notes, of_roots(roots, results, explained_by, run))
