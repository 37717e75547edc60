"""Bring a stand-in near a limit, by another rule or by another response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks_lab.servers.answers import Canned

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Body
    from runbook_checks_lab.servers.answers import HttpBehaviour

NOT_NOW = {"error": "not now"}


def rules(of: Callable[[Lab], Any], **values: Any) -> Body:
    """Set fields of a behaviour."""

    def body(lab: Lab) -> None:
        vars(of(lab)).update(values)

    return body


def responds(of: Callable[[Lab], HttpBehaviour], what: str, status: int, answer: Any = NOT_NOW) -> Body:
    """Set the response to a request ("GET /path")."""

    def body(lab: Lab) -> None:
        of(lab).canned[what] = Canned(status, answer)

    return body
