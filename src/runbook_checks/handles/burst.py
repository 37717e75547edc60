"""What is there to fire at the service, where that is allowed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.http.burst import Facts


class Burst(Handle):
    """A bounded burst against a harmless address."""

    needs = ("throughput", "http")
    settings: capabilities.Throughput

    @property
    def is_allowed(self) -> bool:
        return self.run.environment.tier != "production" or self.settings.in_production

    def fire(self) -> Facts:
        from runbook_checks.probes.http import burst
        from runbook_checks.probes.tls.tls_context import context

        bound, rule = self.bound, self.settings
        if bound.settings.proxy is not None:
            raise NoReading("http", "through a proxy a burst would measure the proxy", kind="no-source")
        url = bound.http.url(rule.path)
        made = burst.Burst(
            url,
            headers={name: bound.value(text, "http") or "" for name, text in bound.settings.headers.items()},
            run_id=self.run.id,
            context=context("http", bound.ca_file) if url.startswith("https://") else None,
            resolver=bound.resolver,
            clear_text=bound.clear_text,
        )
        return made.fire(per_s=rule.requests_per_s, seconds=rule.seconds, callers=rule.connections)
