"""How can the API break the promises of its OpenAPI document?"""

from __future__ import annotations

from lab.faults.reverseai import fault, system
from lab.faults.shared import contract
from lab.reverseai.names import PREFIX

contract.violated(fault, system, f"{PREFIX}/admin/ops/sops", {"sops": [{"key": 7}]})
