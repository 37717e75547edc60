"""What is there to know of a log: where it is, and what counts as trouble in it?"""

from __future__ import annotations

from dataclasses import dataclass, field

from environments.capabilities.rules import STRICT, positive
from environments.references import Text


@dataclass(frozen=True, kw_only=True)
class SlowRequests:
    """Entries that tell how long a request took."""

    __pydantic_config__ = STRICT
    took: str = "responseTime"
    """The field of a JSON entry with the time, in ms or with its unit."""
    what: list[str] = field(default_factory=lambda: ["method", "url"])
    """The fields that say which request it was."""
    limit_ms: float = 5000
    """A request that took so long is slow."""

    def __post_init__(self) -> None:
        positive(limit_ms=self.limit_ms)


@dataclass(frozen=True, kw_only=True)
class Logs:
    """A log and what counts as trouble in it."""

    __pydantic_config__ = STRICT
    file: Text
    """The log file; rotated ones beside it (.1, .1.gz) are read where the window needs them."""
    window_min: float = 15
    """The window looked at, ending when the run began; the one before it is the yardstick."""
    levels: list[str] = field(default_factory=lambda: ["ERROR", "FATAL", "PANIC"])
    """The levels that count as errors."""
    limit: int = 5
    """That many entries of one message are tolerated in a window."""
    surge_factor: float = 3
    """A message seen before counts as surging at this many times its count in the window before."""
    ignore: list[str] = field(default_factory=list)
    """Regular expressions of messages known to be harmless."""
    quiet_is_fine: bool = False
    """An empty window is no sign of looking at the wrong file."""
    slow: SlowRequests | None = None
    """Which requests count as slow."""

    def __post_init__(self) -> None:
        import re

        positive(window_min=self.window_min, surge_factor=self.surge_factor, limit=self.limit + 1)
        for pattern in self.ignore:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'ignore' holds no regular expression: {pattern!r}: {error}") from None
