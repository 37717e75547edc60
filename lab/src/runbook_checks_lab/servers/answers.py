"""Properties of any HTTP service that a fault can change: responses, version, clock, delays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runbook_checks_lab.servers.clock import Clock


@dataclass(frozen=True)
class Canned:
    """A response in place of the real one; a text body is HTML, anything else JSON."""

    status: int
    body: Any


@dataclass
class HttpBehaviour:
    """Properties that every service of the lab has; services add their own."""

    versions: tuple[str, ...] = ("1.1.0",)  # more than one: instances behind a load balancer respond in turn
    clock_offset_s: float = 0.0
    sends_date: bool = True
    health_delay_s: float = 0.0
    canned: dict[str, Canned] = field(default_factory=dict)  # "GET /path", with * for any part of a path


class Versions:
    """The version that responds: several instances behind a load balancer respond in turn."""

    def __init__(self, behaviour: Callable[[], HttpBehaviour]) -> None:
        self._behaviour = behaviour
        self._turn = -1

    def next(self) -> str:
        self._turn += 1
        versions = self._behaviour().versions
        return versions[self._turn % len(versions)]


def clock_of(behaviour: Callable[[], HttpBehaviour]) -> Clock:
    """Return the service's own clock, with the offset that its behaviour sets."""
    return Clock(lambda: behaviour().clock_offset_s)
