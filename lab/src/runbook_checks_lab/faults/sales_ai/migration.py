"""A schema without what the release needs."""

from __future__ import annotations

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import migration
from runbook_checks_lab.sales_ai.names import TABLES

migration.missing(fault, system, TABLES, ["transcripts"])
