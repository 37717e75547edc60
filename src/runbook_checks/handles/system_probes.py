"""Make the probes of one system when they are first needed, and share them between its checks.

Handles and this module import inside functions, so that a run loads only the probes that its checks use. Probes import
at the top.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from runbook_checks.config.secrets import FORBIDDEN, Reference, Unresolved
from runbook_checks.inputs.address import Malformed
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.core.single_flight import Shared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runbook_checks.config import capabilities
    from runbook_checks.config.run import Run
    from runbook_checks.config.runbook import Chosen
    from runbook_checks.probes.http.client import Http
    from runbook_checks.probes.metrics.prometheus import Prometheus
    from runbook_checks.probes.mysql.client import Mysql
    from runbook_checks.probes.net.far_ends import FarEnds
    from runbook_checks.probes.postgres.client import Postgres
    from runbook_checks.probes.sql.pool import Pools

Probe = TypeVar("Probe")


class Bound:
    """One system's probes. A reference that can't be resolved is NoReading, and names the reference."""

    def __init__(self, run: Run, chosen: Chosen, pools: Pools) -> None:
        self.run, self.chosen, self.settings = run, chosen, chosen.settings
        self.renew(pools)

    def renew(self, pools: Pools) -> None:
        """Start without any reading, probe or connection."""
        self._pools = pools
        self.shared = Shared()
        self._probes = Shared()
        self._open: list[Any] = []

    def value(self, reference: Reference | None, resource: str) -> str | None:
        """The value of a reference; None without a reference."""
        if reference is None:
            return None
        try:
            return self.run.vault.value(reference)
        except Unresolved as unresolved:
            raise NoReading(resource, str(unresolved), kind="unresolved-reference") from None

    def address(self, reference: Reference | None, resource: str) -> str:
        """An http:// or https:// address. NoReading, without quoting it, if it is ambiguous."""
        from runbook_checks.probes.http.target import parsed_url

        url = self.value(reference, resource) or ""
        try:
            parsed_url(url)
        except Malformed as error:
            raise NoReading(resource, f"the address can't be understood: {error}", kind="bad-request") from None
        return url

    def path(self, reference: Reference | None, resource: str) -> Path | None:
        """The same for a path, relative ones below the environment file's folder."""
        text = self.value(reference, resource)
        return None if reference is None or text is None else self.run.vault.path(reference)

    def require_commands(self, resource: str, key: str) -> None:
        """NoReading if commands from files are forbidden; `key` is the setting with the command."""
        if not self.run.vault.allows_commands:
            raise NoReading(resource, f"{key} is not used: {FORBIDDEN}", kind="commands-forbidden")

    def _text_path(self, reference: Reference | None, resource: str) -> str | None:
        path = self.path(reference, resource)
        return None if path is None else str(path)

    @cached_property
    def resolver(self) -> str | None:
        return self.value(self.settings.resolver, "resolver")

    @property
    def clear_text(self) -> tuple[str, ...]:
        """Hosts and networks to which passwords and tokens may go without TLS."""
        return tuple(self.settings.clear_text)

    @cached_property
    def far_ends(self) -> FarEnds:
        """The rule for addresses that a far end names."""
        from runbook_checks.probes.net.far_ends import FarEnds

        return FarEnds(tuple(self.run.environment.far_ends.allow))

    @cached_property
    def ca_file(self) -> str | None:
        return self._text_path(self.settings.ca_file, "ca_file")

    def opened(self, name: str, make: Callable[[], Probe]) -> Probe:
        """A probe by its name, made once for all checks and closed at the end of the run."""

        def made() -> Probe:
            probe = make()
            self._open.append(probe)
            return probe

        return self._probes.get(name, made)

    @property
    def http(self) -> Http:
        """The service at its base address."""
        return self.opened("http", lambda: self.service_at(self.url))

    @property
    def url(self) -> str:
        """The base address, as the environment writes it."""
        assert self.settings.http is not None
        return self.value(self.settings.http.base_url, "http") or ""

    @property
    def direct(self) -> Http | None:
        """The service at an address without a proxy in front of it, if the environment names one."""
        assert self.settings.http is not None
        url = self.value(self.settings.http.direct_url, "http")
        return None if url is None else self.opened("direct", lambda: self.service_at(url))

    def service_at(self, url: str, **different: Any) -> Http:
        """The service at one of its addresses, with its headers and limits; `different` as http.client.Http."""
        expected, certificate = self.settings.http, self.settings.client_certificate
        assert expected is not None
        pair = None
        if certificate is not None:
            files = (certificate.certificate, certificate.key)
            pair = (self._text_path(files[0], "http") or "", self._text_path(files[1], "http") or "")
        usual: dict[str, Any] = {
            "timeout_s": expected.timeout_s,
            "connect_timeout_s": expected.connect_timeout_s,
            "max_body": expected.max_body_bytes,
            "headers": self.headers,
            "client_certificate": pair,
        }
        return self.http_at(url, **usual | different)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers of every request to the service. Values that come from a reference are secret."""
        values = {name: self.value(text, "http") or "" for name, text in self.settings.headers.items()}
        for name, text in self.settings.headers.items():
            if text.kind != "literal":
                self.run.redaction.add(values[name], f"header {name}")
        return values

    def http_at(self, url: str, resource: str = "http", **more: Any) -> Http:
        """Another HTTP service, with the system's CA file, proxy and resolver. `more` as http.client.Http."""
        from runbook_checks.probes.http.client import Http

        return Http(
            url,
            resource=resource,
            ca_file=self.ca_file,
            proxy=self.value(self.settings.proxy, resource),
            resolver=self.resolver,
            run_id=self.run.id,
            clear_text=self.clear_text,
            **more,
        )

    @property
    def postgres(self) -> Postgres:
        """The database, read by the monitor role."""
        from runbook_checks.probes.postgres.client import Postgres

        return self.opened("postgres", lambda: Postgres(**self._database("postgres", self.settings.postgres)))

    def _database(self, resource: str, expected: capabilities.Postgres | capabilities.Mysql | None) -> dict[str, Any]:
        assert expected is not None
        return {
            "dsn": self.value(expected.dsn, resource) or "",
            "connect_timeout_s": expected.connect_timeout_s,
            "statement_timeout_s": expected.statement_timeout_s,
            "resolver": self.resolver,
            "ca_file": self.ca_file,
            "run_id": self.run.id,
            "pools": self._pools,
        }

    @property
    def prometheus(self) -> Prometheus:
        """The Prometheus that keeps the system's metrics."""
        return self.opened("prometheus", self._prometheus)

    def _prometheus(self) -> Prometheus:
        from runbook_checks.probes.http.target import basic, bearer
        from runbook_checks.probes.metrics.prometheus import MAX_BODY, RESOURCE, Prometheus

        expected = self.settings.prometheus
        assert expected is not None
        headers = {name: self.value(text, RESOURCE) or "" for name, text in expected.headers.items()}
        if expected.token is not None:
            headers |= bearer(self.value(expected.token, RESOURCE) or "")
        if expected.login is not None:
            user = self.value(expected.login.user, RESOURCE) or ""
            headers |= basic(user, self.value(expected.login.password, RESOURCE) or "")
        url = self.value(expected.url, RESOURCE) or ""
        return Prometheus(self.http_at(url, RESOURCE, headers=headers, max_body=MAX_BODY))

    @property
    def mysql(self) -> Mysql:
        """The database, read by the monitor account."""
        from runbook_checks.probes.mysql.client import Mysql

        expected = self.settings.mysql
        assert expected is not None
        return self.opened("mysql", lambda: Mysql(**self._database("mysql", expected), time_zone=expected.time_zone))

    def close(self) -> None:
        for probe in self._open:
            probe.close()
