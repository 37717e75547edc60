"""What is there to know of backups: where they lie, how old the newest may be?"""

from __future__ import annotations

from dataclasses import dataclass

from environments.capabilities.rules import STRICT, positive
from environments.references import Text


@dataclass(frozen=True, kw_only=True)
class Backups:
    """Backups in a folder."""

    __pydantic_config__ = STRICT
    folder: Text
    """Where they lie."""
    pattern: str = "*"
    """What their names look like."""
    max_age_h: float = 24
    """The newest must be younger."""

    def __post_init__(self) -> None:
        positive(max_age_h=self.max_age_h)
