"""Send a burst of requests to the service, where that is allowed."""

from __future__ import annotations

from contextlib import closing
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

        bound, rule = self.bound, self.settings
        if bound.settings.proxy is not None:
            raise NoReading("http", "a burst through a proxy would measure the proxy", kind="no-source")
        with closing(bound.service_at(bound.url)) as service:
            return burst.fire(
                service, rule.path, per_s=rule.requests_per_s, seconds=rule.seconds, callers=rule.connections
            )
