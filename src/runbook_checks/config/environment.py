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
    """The purpose of the environment."""
    effects: Effect = "refused"
    """The most that a check may do: only read; also send requests that must be refused; also write synthetic data."""
    lab: bool = False
    """The systems are the lab's: a run of this environment starts the lab, which sets the LAB_ variables."""
    command_variables: list[str] = field(default_factory=list)
    """Additional variables that commands get; * stands for any characters."""
    far_ends: FarEnds = field(default_factory=FarEnds)
    """The addresses that the suite connects to when a far end names them."""
    attested: list[str] = field(default_factory=list)
    """Checklist items that somebody has verified by hand."""
    monitoring: Monitoring | None = None
    """Settings of `ci/monitor`."""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("'name' must not be blank")
        if not re.fullmatch(NAME, self.name):
            raise ValueError("'name' must be 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', the first no '.' or '-'")

    def allows(self, effect: str) -> bool:
        """Whether a check of this effect may run."""
        return EFFECTS.index(self.effects) >= [*EFFECTS].index(effect)  # type: ignore[arg-type]
