"""What can a fault change about any HTTP service: its answers, its version, its clock, its pace?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runbook_checks_lab.servers.clock import Clock


@dataclass(frozen=True)
class Canned:
    """An answer given in place of the real one; a text body is HTML, anything else JSON."""

    status: int
    body: Any


@dataclass
class HttpBehaviour:
    """What every service of the lab has in common; its own rules come on top."""

    versions: tuple[str, ...] = ("1.1.0",)  # more than one: instances behind a balancer take turns
    clock_offset_s: float = 0.0
    sends_date: bool = True
    health_delay_s: float = 0.0
    canned: dict[str, Canned] = field(default_factory=dict)  # "GET /path", with * for any part of a path


class Versions:
    """Which version answers: with several instances behind a balancer, each in its turn."""

    def __init__(self, behaviour: Callable[[], HttpBehaviour]) -> None:
        self._behaviour = behaviour
        self._turn = -1

    def next(self) -> str:
        self._turn += 1
        versions = self._behaviour().versions
        return versions[self._turn % len(versions)]


def clock_of(behaviour: Callable[[], HttpBehaviour]) -> Clock:
    """The service's own clock, as far off as its behaviour says."""
    return Clock(lambda: behaviour().clock_offset_s)
