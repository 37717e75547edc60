"""What is kept of a campaign, and why does what survived survive?

`docs/mutation.json` has the figures and the survivors of each module, `reasons.yaml` says why each of them may live.
Both know a change by its function and its line's text, so that they outlast whatever shifts lines.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from quality.mutation.mutants import mutants
from tests.harness import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from quality.mutation.trying import Tried

KEPT = PROJECT / "docs" / "mutation.json"
REASONS = PROJECT / "tests" / "mutation" / "reasons.yaml"
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Module:
    """One module's part: how many changes there are, were tried and were noticed; those that weren't."""

    path: str
    possible: int
    tried: int
    boundaries: int
    """Of those tried, mere shifts of a boundary, which count apart."""
    noticed: int
    """Of the others."""
    survivors: list[Key]
    on_boundary: int
    """Boundaries that nobody noticed."""

    @property
    def counted(self) -> int:
        return self.tried - self.boundaries


def kept() -> list[Module]:
    document = json.loads(KEPT.read_text()) if KEPT.is_file() else []
    return [Module(**row | {"survivors": [tuple(key) for key in row["survivors"]]}) for row in document]


def keep(done: Iterable[Tried], *, drawn: bool = False) -> None:
    """In place of what was kept of the same modules; a share that was drawn takes the place of the one before."""
    by_path: dict[str, list[Tried]] = {}
    for one in done:
        by_path.setdefault(one.mutant.path, []).append(one)
    before = {module.path: module for module in kept() if not drawn or module.path.startswith("checks/")}
    modules = before | {path: _module(path, made) for path, made in by_path.items()}
    rows = [vars(modules[path]) for path in sorted(modules) if (PROJECT / path).is_file()]
    KEPT.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def keep_again(done: Iterable[Tried]) -> None:
    """What survived before and was noticed now survives no longer; the rest stays as it was kept."""
    gone = {one.mutant.key for one in done if one.seen_by is not None}
    rows = []
    for module in kept():
        left = [key for key in module.survivors if key not in gone]
        noticed = module.noticed + len(module.survivors) - len(left)
        rows.append(vars(module) | {"survivors": left, "noticed": noticed})
    KEPT.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def _module(path: str, done: list[Tried]) -> Module:
    grave = [one for one in done if not one.mutant.is_boundary]
    shifts = [one for one in done if one.mutant.is_boundary]
    return Module(
        path=path,
        possible=len(mutants(PROJECT / path)),
        tried=len(done),
        boundaries=len(shifts),
        noticed=sum(one.seen_by is not None for one in grave),
        survivors=[one.mutant.key for one in grave if one.seen_by is None],
        on_boundary=sum(one.seen_by is None for one in shifts),
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
