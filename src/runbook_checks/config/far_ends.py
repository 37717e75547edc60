"""Which addresses are followed where a far end, and no file, names them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from runbook_checks.config.addresses import quoted
from runbook_checks.config.capabilities.rules import STRICT


@dataclass(frozen=True, kw_only=True)
class FarEnds:
    """Addresses that far ends name: in certificates, by redirects of a registry, in pages, in customers' DNS."""

    __pydantic_config__ = STRICT
    allow: list[str] = field(default_factory=list)
    """Internal ranges to connect to as well, such as 10.0.0.0/8; without any, only public addresses."""

    def __post_init__(self) -> None:
        for text in self.allow:
            try:
                ipaddress.ip_network(text)
            except ValueError:
                raise ValueError(
                    f"'allow' holds {quoted(text)}, which is no range such as 10.0.0.0/8 or fd00::/8"
                ) from None
