"""The settings of an environment file, apart from its systems."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from runbook_checks.config.capabilities.rules import STRICT
from runbook_checks.config.far_ends import FarEnds
from runbook_checks.config.monitoring import Monitoring

Tier = Literal["development", "staging", "production"]
Effect = Literal["read", "refused", "write"]
# It becomes the name of a folder, a part of an address and a label.
NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
EFFECTS: tuple[Effect, ...] = ("read", "refused", "write")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where systems run, and what a run may do to them."""

    __pydantic_config__ = STRICT
    name: str
    """The environment's name, shown in every report."""
    tier: Tier
    """What it is used for."""
    effects: Effect = "refused"
    """The most a check may do: read; send what must be refused; or write what is marked as synthetic."""
    lab: bool = False
    """The systems are the lab's: choosing this environment starts it, and it sets the LAB_ variables."""
    command_variables: list[str] = field(default_factory=list)
    """Variables that commands may see beside the usual ones; * stands for any characters."""
    far_ends: FarEnds = field(default_factory=FarEnds)
    """Which addresses the suite follows where a far end names them."""
    attested: list[str] = field(default_factory=list)
    """Checklist items that somebody vouches for."""
    monitoring: Monitoring | None = None
    """What `ci/monitor` does beside running the checks."""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("'name' must not be blank")
        if not re.fullmatch(NAME, self.name):
            raise ValueError("'name' must be 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', the first no '.' or '-'")

    def allows(self, effect: str) -> bool:
        """Whether a check of this effect may run."""
        return EFFECTS.index(self.effects) >= [*EFFECTS].index(effect)  # type: ignore[arg-type]
