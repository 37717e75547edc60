"""Where are the limits of Aura Flow? One module per area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.registry import EdgesOf
from lab.servers.answers import Canned

if TYPE_CHECKING:
    from lab.lab import Lab
    from lab.registry import Body

edge = EdgesOf("aura-flow")


def says(what: str, status: int) -> Body:
    """A request ("GET /path") that the service answers so."""

    def body(lab: Lab) -> None:
        lab.aura_flow.service.behaviour.canned[what] = Canned(status, {"error": "not now"})

    return body
