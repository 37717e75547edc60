"""Settings of a TLS address: where it is, and when its certificate is due."""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import PositiveFloat, settings
from runbook_checks.config.secrets import Text


@settings
class Tls:
    """A TLS address and when its certificate is due."""

    address: Text | None = None
    """HOST:PORT; else the one of http.base_url."""
    server_name: str | None = None
    """The name asked for, where it isn't the address's."""
    intermediates_file: Text | None = None
    """A bundle of intermediate certificates: tells an incomplete chain from an untrusted one."""
    warn_days: PositiveFloat = 21
    """Days left from which renewal is due."""
    alarm_days: PositiveFloat = 7
    """Days left from which renewal must have failed."""

    def __post_init__(self) -> None:
        if self.alarm_days > self.warn_days:
            raise ValueError("'alarm_days' must not be above 'warn_days'")
