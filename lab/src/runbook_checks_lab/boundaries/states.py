"""How is a stand-in brought near a limit: by another rule, or by another answer?"""

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
    """A behaviour with these fields otherwise."""

    def body(lab: Lab) -> None:
        vars(of(lab)).update(values)

    return body


def says(of: Callable[[Lab], HttpBehaviour], what: str, status: int, answer: Any = NOT_NOW) -> Body:
    """A request ("GET /path") that is answered so."""

    def body(lab: Lab) -> None:
        of(lab).canned[what] = Canned(status, answer)

    return body
