"""Which certificates can the API serve that it should not?"""

from __future__ import annotations

from lab.faults.reverseai import fault, system
from lab.faults.shared import certificates

certificates.served(fault, system)
