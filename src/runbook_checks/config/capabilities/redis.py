"""Settings of a Redis: its address and its memory limit."""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import PositiveFloat, settings
from runbook_checks.config.secrets import Secret


@settings
class Redis:
    """A Redis (or Valkey), read by a user that may PING and INFO."""

    url: Secret
    """redis://[USER[:PASSWORD]@]HOST[:PORT][/NUMBER], or rediss:// with TLS, needed for a password elsewhere."""
    memory_percent: PositiveFloat = 95
    """Memory in use, of maxmemory, from which writes are about to be refused."""
    timeout_s: PositiveFloat = 4
    """The timeout of the whole reading."""
