"""How can the schema lack what the release needs?"""

from __future__ import annotations

from lab.faults.sales_ai import fault, system
from lab.faults.shared import migration
from lab.sales_ai.names import TABLES

migration.missing(fault, system, TABLES, ["transcripts"])
