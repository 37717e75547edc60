"""Outages that prevent the checks from verifying certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.servers.files import away

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab
    from runbook_checks_lab.registry import OutagesOf


def gone(outage: OutagesOf, *hides: str) -> None:
    """The authority's certificate is missing, so no TLS server can be verified."""

    @outage("ca-file-missing", *hides, is_shared=True)
    def ca_file_gone(lab: Lab) -> Iterator[None]:
        with away(lab.authority.ca_file):
            yield
