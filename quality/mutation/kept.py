"""Figures of the mutation campaigns, in docs/mutation.json, and the reasons for survivors, in reasons.yaml.

Both identify a change by its function and the text of its line, so that shifted lines do not matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from quality.mutation.mutants import mutants
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from quality.mutation.trying import Tried

KEPT = PROJECT / "docs" / "mutation.json"
REASONS = PROJECT / "quality" / "mutation" / "reasons.yaml"
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Module:
    """One module: how many changes are possible, were tried and were detected; and the survivors."""

    path: str
    possible: int
    tried: int
    boundaries: int
    """Boundary shifts among those tried; they are counted separately."""
    noticed: int
    """Detected changes other than boundary shifts."""
    on_boundary: int
    """Boundary shifts that were not detected."""
    survivors: list[Key] = field(default_factory=list)

    @property
    def considered(self) -> int:
        return self.tried - self.boundaries


def kept() -> list[Module]:
    document: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    return [
        Module(path, **row | {"survivors": [(path, *key) for key in row.get("survivors", [])]})
        for path, row in document.items()
    ]


def as_json(modules: Iterable[Module]) -> str:
    """Write one line for each module, so that a diff in git stays short."""
    lines = []
    for module in sorted(modules, key=lambda module: module.path):
        row = vars(module) | {"survivors": [key[1:] for key in module.survivors]}
        plain = {name: value for name, value in row.items() if name != "path" and value != []}
        lines.append(f"{json.dumps(module.path)}: {json.dumps(plain, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def keep(done: Iterable[Tried], *, drawn: bool = False) -> None:
    """Replace the figures of the modules that were tried; a new random sample replaces the previous one."""
    by_path: dict[str, list[Tried]] = {}
    for one in done:
        by_path.setdefault(one.mutant.path, []).append(one)
    before = {module.path: module for module in kept() if not drawn or module.path.startswith("checks/")}
    modules = before | {path: _module(path, made) for path, made in by_path.items()}
    KEPT.write_text(as_json(module for path, module in modules.items() if (PROJECT / path).is_file()))


def keep_again(done: Iterable[Tried]) -> None:
    """Remove the survivors that were detected this time, and keep the rest."""
    gone = {one.mutant.key for one in done if one.seen_by is not None}
    modules = []
    for module in kept():
        left = [key for key in module.survivors if key not in gone]
        noticed = module.noticed + len(module.survivors) - len(left)
        modules.append(replace(module, survivors=left, noticed=noticed))
    KEPT.write_text(as_json(modules))


def _module(path: str, done: list[Tried]) -> Module:
    grave = [one for one in done if not one.mutant.is_boundary]
    shifts = [one for one in done if one.mutant.is_boundary]
    return Module(
        path=path,
        possible=len(mutants(PROJECT / path)),
        tried=len(done),
        boundaries=len(shifts),
        noticed=sum(one.seen_by is not None for one in grave),
        on_boundary=sum(one.seen_by is None for one in shifts),
        survivors=[one.mutant.key for one in grave if one.seen_by is None],
    )


@cache
def reasons() -> dict[Key, str]:
    return dict(_reasons())


def _reasons() -> Iterator[tuple[Key, str]]:
    import yaml

    document: dict[str, Any] = yaml.safe_load(REASONS.read_text()) or {}
    for path, functions in document.items():
        for where, entries in functions.items():
            for entry in entries:
                for change in entry["changes"]:
                    yield (path, where or "", entry["line"], change), entry["reason"]
