"""API responses that violate the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks_lab.faults.shared import Of, Web
from runbook_checks_lab.faults.shared.health import say

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import FaultsOf


def violated(fault: FaultsOf, of: Of[Web], path: str, mismatch: Any, document: str = "/openapi.json") -> None:
    """Change the response of one operation, a GET without parameters; `mismatch` is a body that its schema forbids."""
    answers = {
        "undocumented-status": (path, 418, {"detail": "I'm a teapot"}),
        "schema-mismatch": (path, 200, mismatch),
        "server-error": (path, 500, {"detail": "Internal Server Error"}),
        "document-missing": (document, 404, {"detail": "Not Found"}),
    }
    for cause, answer in answers.items():

        @fault("contract.violated", cause=cause)
        def broken(lab: Lab, answer: tuple[str, int, Any] = answer) -> None:
            say(of(lab), *answer)
