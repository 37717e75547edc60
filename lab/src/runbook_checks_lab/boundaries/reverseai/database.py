"""Limit on the size of a table."""

from __future__ import annotations

from runbook_checks_lab.boundaries.reverseai import boundary
from runbook_checks_lab.registry import as_fault

# The fault's table takes 12 MB.
_swollen = as_fault("database.table-size:over-limit", "reverseai")
boundary("database.table-size", "20-mb-allowed", settings={"mysql.table_mb": 20})(_swollen)
boundary("database.table-size", "11-mb-allowed", "over-limit", settings={"mysql.table_mb": 11})(_swollen)
