"""Invalid certificates on the front."""

from __future__ import annotations

from runbook_checks_lab.faults.sales_ai import fault, system
from runbook_checks_lab.faults.shared import certificates

certificates.served(fault, system)
