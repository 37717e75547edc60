"""Invalid certificates on the front."""

from __future__ import annotations

from runbook_checks_lab.faults.ai_customer_service import fault, system
from runbook_checks_lab.faults.shared import certificates

certificates.served(fault, system)
