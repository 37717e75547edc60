"""How can PostgreSQL be out of reach, or have no connection left?"""

from __future__ import annotations

from lab.faults.aura_flow import fault, system
from lab.faults.shared import postgres

postgres.unreachable(fault, system)
postgres.exhausted(fault, system)
