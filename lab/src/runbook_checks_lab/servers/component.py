"""The interface of all components of the lab."""

from __future__ import annotations

from typing import Any, Protocol


class Component(Protocol):
    """A component whose behaviour faults may change; the lab copies the behaviour before and restores it after."""

    behaviour: Any

    async def settle(self) -> None:
        """Apply the behaviour to the running server."""
