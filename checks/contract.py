"""Check that responses match the service's OpenAPI document."""

from __future__ import annotations

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.service import Contract


@symptom("contract.violated")
def check_contract_is_kept(contract: Contract) -> None:
    """Clients are written against the document; a response that it does not allow breaks them."""
    try:
        violations = contract.violations()
    except NoReading as gone:
        if gone.kind != "document-missing":
            raise
        evidence = {
            "document": contract.document,
            "operation": "none",
            "status": gone.evidence.get("status", "none"),
        }
        raise Found("document-missing", seen=gone.reason, wanted="an OpenAPI document", **evidence) from None
    Found.all(
        Found(
            violation.kind,
            seen=f"{violation.operation}: {violation.message}",
            wanted="a response that the document allows",
            subject=violation.operation,
            operation=violation.operation,
            document=contract.document,
            status=violation.status,
            reproduce=violation.reproduce,
        )
        for violation in violations
    )
