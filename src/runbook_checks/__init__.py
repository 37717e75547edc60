"""The API for checks: `symptom` marks a check, `Found` reports a finding, `NoReading` that it is unknown."""

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.verdicts import Found, symptom

__all__ = ["Found", "NoReading", "symptom"]
