"""Rollback artifacts, with only some of them configured."""

from __future__ import annotations

from runbook_checks_lab.boundaries.aura_flow import boundary
from runbook_checks_lab.registry import untouched

NO_FILES = {"rollback.configuration": None, "rollback.script": None}


boundary("rollback.not-possible", "image-alone", settings=NO_FILES)(untouched)
boundary("rollback.not-possible", "nothing-named", "skipped", settings={**NO_FILES, "rollback.image": None})(untouched)
