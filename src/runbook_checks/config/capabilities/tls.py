"""Settings of a TLS address, and of the renewal of its certificate."""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import PositiveFloat, settings
from runbook_checks.config.secrets import Text


@settings
class Tls:
    """A TLS address, and when its certificate must be renewed."""

    address: Text | None = None
    """HOST:PORT; by default that of http.base_url."""
    server_name: str | None = None
    """The name sent by SNI and expected in the certificate, if it differs from the host."""
    intermediates_file: Text | None = None
    """A bundle of intermediate certificates, which distinguishes an incomplete chain from an untrusted one."""
    warn_days: PositiveFloat = 21
    """Days left from which renewal is due."""
    alarm_days: PositiveFloat = 7
    """Days left from which renewal must have failed."""

    def __post_init__(self) -> None:
        if self.alarm_days > self.warn_days:
            raise ValueError("'alarm_days' must not be above 'warn_days'")
