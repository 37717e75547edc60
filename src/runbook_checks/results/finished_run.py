"""A finished run, from which every report is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.config.run import Run
    from runbook_checks.results.analysis import Analysis
    from runbook_checks.results.model import Result
    from runbook_checks.results.verdict import Ticked


@dataclass(frozen=True)
class FinishedRun:
    """The run, its results and their analysis."""

    run: Run
    results: Sequence[Result]
    analysis: Analysis
    items: Sequence[Ticked]
    """The checklist's items, if a checklist is run."""
    code: int
    """The exit code by the results alone."""
    duration_s: float
    reproduce: str
    """The command that runs a check again, without the check's name at its end."""

    @property
    def notes(self) -> list[str]:
        """Notes about the run: files, numbers, errors of this machine."""
        return self.run.notes

    def escalation(self, system: str, severity: str) -> str:
        """Whom to call, by the system's runbook."""
        level = self.run.systems[system].settings.escalation.get(severity)  # type: ignore[call-overload]
        if level is None:
            return ""
        within = f"within {level.within_min:g} min: " if level.within_min else ""
        later = "".join(f"; after {rung.after_min:g} min {', '.join(rung.who)}" for rung in level.then)
        return within + ", ".join(level.who) + later
