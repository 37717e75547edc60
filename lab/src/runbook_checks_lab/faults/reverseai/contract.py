"""API responses that violate the OpenAPI document."""

from __future__ import annotations

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.faults.shared import contract
from runbook_checks_lab.reverseai.names import PREFIX

contract.violated(fault, system, f"{PREFIX}/admin/ops/sops", {"sops": [{"key": 7}]})
