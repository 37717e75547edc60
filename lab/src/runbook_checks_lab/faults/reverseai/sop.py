"""Missing standard operating procedures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.reverseai.names import SOPS

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("sop.missing", cause="key-missing")
def procedure_not_listed(lab: Lab) -> None:
    del system(lab).service.behaviour.sops[SOPS[2]]


@fault("sop.missing", cause="detail-missing")
def procedure_without_document(lab: Lab) -> None:
    system(lab).service.behaviour.without_detail = (SOPS[1],)


@fault("sop.missing", cause="severity-differs")
def procedure_of_another_severity(lab: Lab) -> None:
    system(lab).service.behaviour.sops[SOPS[0]]["severity"] = "P3"
