"""How can the API break the promises of its OpenAPI document?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.customer_service.names import PREFIX
from lab.customer_service.rules import Canned
from lab.faults.ai_customer_service import fault

if TYPE_CHECKING:
    from lab.lab import Lab

TICKETS = f"{PREFIX}/tickets"


def _say(lab: Lab, path: str, status: int, body: Any) -> None:
    lab.customer_service.service.behaviour.canned[f"GET {path}"] = Canned(status, body)


@fault("contract.violated", cause="undocumented-status")
def tickets_are_a_teapot(lab: Lab) -> None:
    _say(lab, TICKETS, 418, {"detail": "I'm a teapot"})


@fault("contract.violated", cause="schema-mismatch")
def tickets_are_numbered(lab: Lab) -> None:
    _say(lab, TICKETS, 200, {"tickets": [{"id": 17, "subject": ["a", "list"], "priority": "high"}]})


@fault("contract.violated", cause="server-error")
def tickets_fail(lab: Lab) -> None:
    _say(lab, TICKETS, 500, {"detail": "Internal Server Error"})


@fault("contract.violated", cause="document-missing")
def document_not_published(lab: Lab) -> None:
    _say(lab, "/openapi.json", 404, {"detail": "Not Found"})
