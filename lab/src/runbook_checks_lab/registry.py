"""The lab's faults, outages, incidents and boundaries, and the lookup of one by its id."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runbook_checks_lab.systems import SYSTEMS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from runbook_checks_lab.lab import Lab

    Body = Callable[[Lab], Iterator[None] | None]


class UnknownName(Exception):
    """An unknown id; the message suggests similar ids. The command exits with 4."""


@dataclass(frozen=True)
class Change:
    """A change to the lab: a function that sets behaviours, or a generator that undoes its change after `yield`."""

    name: str
    system: str
    body: Body
    hides: tuple[str, ...] = ()
    is_shared: bool = False
    expected: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.system}"

    def entered(self, lab: Lab) -> AbstractContextManager[None]:
        return contextmanager(self._steps)(lab)

    def _steps(self, lab: Lab) -> Iterator[None]:
        result = self.body(lab)
        if result is None:
            yield
        else:
            yield from result


_faults: dict[str, Change] = {}
_outages: dict[str, Change] = {}
_incidents: dict[str, Change] = {}
_boundaries: dict[str, Change] = {}
_read: set[str] = set()


class FaultsOf:
    """The decorator `@fault("symptom", cause="...")` for one system's fault modules."""

    def __init__(self, system: str) -> None:
        self._system = system

    def __call__(self, symptom: str, *, cause: str) -> Callable[[Body], Body]:
        return _registering(_faults, f"{symptom}:{cause}", self._system)


class OutagesOf:
    """The decorator `@outage("name", "symptom", ...)`: remove a source or a privilege that checks need.

    The named symptoms must then be unknown. If none is named, the checks still have another source. With `is_shared`,
    the outage affects every system of the lab.
    """

    def __init__(self, system: str) -> None:
        self._system = system

    def __call__(self, name: str, *hides: str, is_shared: bool = False) -> Callable[[Body], Body]:
        return _registering(_outages, name, self._system, hides=hides, is_shared=is_shared)


class IncidentsOf:
    """The decorator `@incident("name")`: a realistic failure with all its consequences, not one symptom alone."""

    def __init__(self, system: str) -> None:
        self._system = system

    def __call__(self, name: str) -> Callable[[Body], Body]:
        return _registering(_incidents, name, self._system)


class BoundariesOf:
    """The decorator `@boundary("symptom", "name", ...)`: a state near a limit, and the results expected for it.

    The expected results are the causes, one for each finding, with a severity in front where it matters ("P1
    renewal-failing"); none if the state is just inside the limit; or "unknown", or "skipped". `settings` replace
    settings of the system in the environment file, by path ("auth.secret"); None removes one.
    """

    def __init__(self, system: str) -> None:
        self._system = system

    def __call__(
        self, symptom: str, name: str, *expected: str, settings: Mapping[str, Any] | None = None
    ) -> Callable[[Body], Body]:
        return _registering(_boundaries, f"{symptom}/{name}", self._system, expected=expected, settings=settings or {})


def _registering(table: dict[str, Change], name: str, system: str, **more: Any) -> Callable[[Body], Body]:
    def register(body: Body) -> Body:
        change = Change(name, system, body, **more)
        if change.full_name in table:
            raise ValueError(f"{change.full_name} is registered twice")
        table[change.full_name] = change
        return body

    return register


def faults(systems: Iterable[str] = SYSTEMS) -> dict[str, Change]:
    return _of(systems, _loaded("faults", _faults))


def outages(systems: Iterable[str] = SYSTEMS) -> dict[str, Change]:
    return _of(systems, _loaded("outages", _outages))


def incidents(systems: Iterable[str] = SYSTEMS) -> dict[str, Change]:
    return _of(systems, _loaded("incidents", _incidents))


def as_fault(name: str, system: str) -> Body:
    """Return a fault's body for a boundary with other settings or another check."""

    def body(lab: Lab) -> Iterator[None] | None:
        return find_fault(name, [system]).body(lab)

    return body


def untouched(lab: Lab) -> None:
    """The body of a boundary that changes only settings."""


def boundaries(systems: Iterable[str] = SYSTEMS) -> dict[str, Change]:
    return _of(systems, _loaded("boundaries", _boundaries))


def _of(systems: Iterable[str], table: dict[str, Change]) -> dict[str, Change]:
    return {name: change for name, change in table.items() if change.system in systems}


def _loaded(folder: str, table: dict[str, Change]) -> dict[str, Change]:
    """Import every module in the folder, whose decorators fill the table, and return the table."""
    if folder not in _read:
        _read.add(folder)
        package = importlib.import_module(f"{__package__}.{folder}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return table


def listing() -> list[dict[str, Any]]:
    systems: dict[str, list[str]] = {}
    for change in faults().values():
        systems.setdefault(change.name, []).append(change.system)
    return [{"fault": name, "systems": sorted(where)} for name, where in sorted(systems.items())]


def find_fault(given: str, systems: Iterable[str] = SYSTEMS) -> Change:
    return _find(faults(systems), given, "fault")


def find_outage(given: str, systems: Iterable[str] = SYSTEMS) -> Change:
    return _find(outages(systems), given, "outage")


def find_incident(given: str, systems: Iterable[str] = SYSTEMS) -> Change:
    return _find(incidents(systems), given, "incident")


def find_boundary(given: str, systems: Iterable[str] = SYSTEMS) -> Change:
    return _find(boundaries(systems), given, "boundary")


def _find(table: dict[str, Change], given: str, kind: str) -> Change:
    matches = [c for c in table.values() if given in (c.name, c.full_name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UnknownName(f"{kind} '{given}' exists in several systems: {_either([c.full_name for c in matches])}")
    raise UnknownName(f"there is no {kind} '{given}'{_near(table, given)}")


def _near(table: dict[str, Change], given: str) -> str:
    from difflib import get_close_matches

    names = [c.full_name for c in table.values()] if "@" in given else sorted({c.name for c in table.values()})
    same_symptom = [n for n in names if n.split(":")[0] == given.split(":")[0]]
    near = same_symptom[:6] or get_close_matches(given, names, 3, 0.5)
    return f"; did you mean {_either(near)}?" if near else ""


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
