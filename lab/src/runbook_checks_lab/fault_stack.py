"""The active changes, and how the lab returns to health."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import Change


@dataclass
class Active:
    change: Change
    before: list[dict[str, Any]]
    entered: AbstractContextManager[None]


class FaultStack:
    """Active faults, outages, incidents and boundaries.

    They are undone in reverse order, so each undo finds the lab as its change left it.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._stack: list[Active] = []
        self._turn = asyncio.Lock()

    def names(self, table: dict[str, Change]) -> list[str]:
        return [a.change.name for a in self._stack if table.get(a.change.full_name) is a.change]

    async def apply(self, change: Change) -> None:
        async with self._turn:
            if change not in [a.change for a in self._stack]:
                await asyncio.to_thread(self._push, change)

    async def undo(self, *changes: Change) -> None:
        async with self._turn:
            await asyncio.to_thread(self._take_out, [c for c in changes if c in [a.change for a in self._stack]])

    def _take_out(self, gone: list[Change]) -> None:
        kept: list[Change] = []
        while any(a.change in gone for a in self._stack):
            change = self._pop()
            if change not in gone:
                kept.insert(0, change)
        for change in kept:
            self._push(change)
        if not self._stack:
            for system in self._lab.systems:
                system.healed()

    def _push(self, change: Change) -> None:
        before = [copy.deepcopy(vars(part.behaviour)) for part in self._lab.components]
        entered = change.entered(self._lab)
        try:
            entered.__enter__()
        except BaseException:
            self._restore(before)
            raise
        self._stack.append(Active(change, before, entered))
        self._lab.settle()

    def _pop(self) -> Change:
        active = self._stack.pop()
        try:
            active.entered.__exit__(None, None, None)
        finally:
            self._restore(active.before)
        return active.change

    def _restore(self, before: list[dict[str, Any]]) -> None:
        for part, values in zip(self._lab.components, before, strict=True):
            vars(part.behaviour).update(copy.deepcopy(values))
        self._lab.settle()
