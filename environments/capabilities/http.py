"""What is there to know of an HTTP service: where it answers, in which words, how soon?"""

from __future__ import annotations

from dataclasses import dataclass, field

from environments.capabilities.rules import STRICT, positive
from environments.references import Text


@dataclass(frozen=True, kw_only=True)
class Health:
    """The health documents and the words they use."""

    __pydantic_config__ = STRICT
    path: str = "/health"
    """The overall health document."""
    live: str | None = None
    """The liveness document."""
    ready: str | None = None
    """The readiness document."""
    status_field: str = "status"
    """The field that tells the state, dots for nesting."""
    components_field: str = "components"
    """The field under which components tell theirs."""
    healthy: list[str] = field(default_factory=lambda: ["UP", "ok", "healthy"])
    """The words that mean healthy, in any case."""


@dataclass(frozen=True, kw_only=True)
class VersionAt:
    """Where the running version is told."""

    __pydantic_config__ = STRICT
    path: str
    """The address of the document."""
    field: str = "version"
    """The field in it, dots for nesting."""


@dataclass(frozen=True, kw_only=True)
class Http:
    """An HTTP service."""

    __pydantic_config__ = STRICT
    base_url: Text
    """Where the service answers, as its users reach it."""
    direct_url: Text | None = None
    """An address with no proxy before it; a proxy replaces the Date header that tells the service's clock."""
    health: Health = field(default_factory=Health)
    """The health documents."""
    version: VersionAt | None = None
    """Where the running version is told."""
    expect_version: Text | None = None
    """The version that should be running; --expect-version wins."""
    slow_ms: float = 1000
    """The median health answer must be faster."""
    samples: int = 5
    """How many answers the median and the version are taken from."""
    timeout_s: float = 5
    """A whole answer must be there within this time."""
    connect_timeout_s: float = 3
    """A connection must be there within this time."""
    max_body_bytes: int = 1 << 20
    """No answer is read beyond this size."""

    def __post_init__(self) -> None:
        positive(slow_ms=self.slow_ms, samples=self.samples, timeout_s=self.timeout_s)
        positive(connect_timeout_s=self.connect_timeout_s, max_body_bytes=self.max_body_bytes)
