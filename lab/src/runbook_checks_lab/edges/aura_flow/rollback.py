"""What is looked for before a rollback, where not everything is named?"""

from __future__ import annotations

from runbook_checks_lab.edges.aura_flow import edge
from runbook_checks_lab.registry import untouched

NO_FILES = {"rollback.configuration": None, "rollback.script": None}


edge("rollback.not-possible", "image-alone", settings=NO_FILES)(untouched)
edge("rollback.not-possible", "nothing-named", "skipped", settings={**NO_FILES, "rollback.image": None})(untouched)
