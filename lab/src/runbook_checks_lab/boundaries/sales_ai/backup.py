"""Limit on the time to restore a dump."""

from __future__ import annotations

from runbook_checks_lab.boundaries.sales_ai import boundary
from runbook_checks_lab.registry import untouched

boundary("backup.not-restorable", "9-ms-allowed", "too-slow", settings={"backups.drill.recovery_min": 0.00015})(
    untouched
)
