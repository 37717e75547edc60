"""Which certificates can nginx serve that it should not?"""

from __future__ import annotations

from lab.faults.aura_flow import fault, system
from lab.faults.shared import certificates

certificates.served(fault, system)
