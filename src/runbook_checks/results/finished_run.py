"""A finished run: what every report is made from."""

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
    """The run, its results, and what was worked out from them."""

    run: Run
    results: Sequence[Result]
    analysis: Analysis
    items: Sequence[Ticked]
    """Those of the checklist, where one was asked for."""
    code: int
    """The exit code by what was found."""
    duration_s: float
    reproduce: str
    """The command that runs a check again, without the check's name at its end."""

    @property
    def notes(self) -> list[str]:
        """What else there is to say about the run: names of the files, numbers and errors of this machine."""
        return self.run.notes

    def escalation(self, system: str, severity: str) -> str:
        """Whom to call, by the system's runbook."""
        level = self.run.systems[system].settings.escalation.get(severity)  # type: ignore[call-overload]
        if level is None:
            return ""
        within = f"within {level.within_min:g} min: " if level.within_min else ""
        later = "".join(f"; after {rung.after_min:g} min {', '.join(rung.who)}" for rung in level.then)
        return within + ", ".join(level.who) + later
