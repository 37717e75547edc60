"""The variables with which the next instance of a service would start."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class DotenvBehaviour:
    values: dict[str, str] = field(default_factory=dict)


class Dotenv:
    """A file of NAME=value lines, rewritten when its values change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.behaviour = DotenvBehaviour()
        self._settled: DotenvBehaviour | None = None

    async def settle(self) -> None:
        if self.behaviour != self._settled:
            self._settled = copy.deepcopy(self.behaviour)
            self.write()

    def write(self) -> None:
        lines = ["# the instance that is about to start", *(f"{k}={v}" for k, v in self.behaviour.values.items()), ""]
        self.path.write_text("\n".join(lines))
        self.path.chmod(0o600)
