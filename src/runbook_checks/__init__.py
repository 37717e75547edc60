"""What is a check handed? The options, the selection, the chosen systems, and a bound probe per capability."""

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.verdicts import Found, symptom

__all__ = ["Found", "NoReading", "symptom"]
