"""Read an HTTP service, the certificate that it serves, and its OpenAPI document."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from runbook_checks.handles.base import Handle
from runbook_checks.handles.expected_response import at, summary
from runbook_checks.handles.health_document import read
from runbook_checks.probes.core.deadline import current
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runbook_checks.config import capabilities
    from runbook_checks.handles.health_document import State
    from runbook_checks.probes.http.client import Answer
    from runbook_checks.probes.metrics.exposition import Exposition
    from runbook_checks.probes.openapi.violations import Violation
    from runbook_checks.probes.tls.server import Handshake

MAX_VERSION = 200


class Service(Handle):
    """The HTTP service: readings of its addresses, shared by all checks."""

    needs = ("http",)
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Http

    @property
    def url(self) -> str:
        return self.bound.value(self.settings.base_url, "http") or ""

    def get(self, path: str, *, fresh: bool = False) -> Answer:
        """The response of an address, shared by all checks unless `fresh`."""
        return self.bound.http.get(path, fresh=fresh)

    def health_state(self, answer: Answer) -> State:
        """The state in a response of a health address; NotJson if it is not in http.health.format."""
        return read(answer, self.settings.health)

    def is_health_document(self, answer: Answer) -> bool:
        """Whether a response has a state as the settings describe it."""
        try:
            state = self.health_state(answer)
        except NoReading:
            return False
        return state.word is not None and (self.settings.health.format == "json" or state.is_up is not None)

    def version(self, answer: Answer) -> str:
        """The version in a response of http.version; NoReading without one."""

        where = self.settings.version
        assert where is not None
        if answer.status != 200:
            reason = f"{answer.url} answers {summary(answer)} instead of the version"
            raise NoReading("http", reason, kind="wrong-status")
        is_text = where.format == "text"
        version = answer.text.strip() if is_text else at(answer.json(), where.field)
        if is_text and (len(version) > MAX_VERSION or "\n" in version or answer.is_html):
            raise NoReading("http", f"{answer.url} does not answer with one line of text", kind="not-understood")
        if isinstance(version, bool) or not isinstance(version, str | int | float) or not str(version).strip():
            reason = (
                f"{answer.url} has no {'text' if is_text else f'field {where.field} with a version'} (http.version)"
            )
            raise NoReading("http", reason, kind="field-missing")
        return str(version)

    def health_paths(self) -> list[str]:
        health = self.settings.health
        return [path for path in (health.live, health.ready, health.path) if path]

    def metrics(self, answer: Answer) -> Exposition:
        """The metrics in a response; NoReading not-parseable without them."""
        from runbook_checks.probes.metrics.exposition import parse

        return parse(answer.text, answer.url)

    def key_paths(self) -> list[str]:
        """Addresses of key functions that are read by a plain GET."""
        return [f.path for f in self.settings.key_functions if f.method == "GET" and not f.authenticated]

    def call(self, function: capabilities.KeyFunction) -> Answer:
        """The response to a key function, shared by all checks."""
        if function.method == "GET" and not function.authenticated:
            return self.get(function.path)
        return self.bound.shared.get(("key function", function.name), lambda: self._send(function))

    def _send(self, function: capabilities.KeyFunction) -> Answer:
        import json

        body = json.dumps(function.body).encode() if function.body is not None else b""
        headers = {"Content-Type": "application/json"} if body else {}
        if function.authenticated:
            headers["Authorization"] = f"Bearer {self._token()}"
        return self.bound.http.send(function.method, function.path, headers=headers, body=body)

    def _token(self) -> str:
        token = self.bound.value(self.settings.token, "http")
        if not token:
            raise NoReading("http", "a key function needs a token: http.token is not configured", kind="no-source")
        return token

    def samples(self, path: str) -> Iterator[Answer]:
        """Several new responses of an address, each over a new connection, as many as the deadline allows."""
        longest_s = 0.0
        for number in range(self.settings.samples):
            deadline = current.get()
            if number and deadline is not None and deadline.remaining() < 1.5 * longest_s:
                return
            begun = time.monotonic()
            yield self.get(path, fresh=True)
            longest_s = max(longest_s, time.monotonic() - begun)

    @property
    def expected_version(self) -> str | None:
        given = self.run.versions.get(self.chosen.name)
        return given or self.bound.value(self.settings.expect_version, "http")

    @property
    def clock_limits(self) -> tuple[float, float]:
        """How far the service's clock may be off, and from which offset on it is reported (s)."""
        webhook = self.chosen.settings.webhook
        if self.settings.max_skew_s is not None:
            return self.settings.max_skew_s, self.settings.max_skew_s / 10
        if webhook is not None:
            return webhook.max_skew_s, webhook.clock_warn_s or webhook.max_skew_s / 10
        raise NoReading("http", "the limit of the clock's offset is not configured (http.max_skew_s)", kind="no-source")

    def own_clock(self) -> tuple[Answer, bool]:
        """A response, and whether its Date header is certainly the service's own."""
        direct = self.bound.direct
        path = self.settings.health.live or self.settings.health.path
        return (direct.get(path, fresh=True), True) if direct else (self.get(path, fresh=True), False)


class Front(Handle):
    """The TLS address and the certificate that it serves; all checks share one handshake."""

    needs = ("tls",)
    libraries = ("cryptography.x509", "runbook_checks.probes.tls.handshake")
    settings: capabilities.Tls

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, or None where the service is plain HTTP."""
        from runbook_checks.inputs.address import Malformed, split

        given, http = self.bound.value(self.settings.address, "tls"), self.chosen.settings.http
        if given is None:
            if http is None:
                raise NoReading("tls", "no address is configured: set tls.address or http.base_url", kind="no-source")
            given = self.bound.address(http.base_url, "tls")
        try:
            parts = split(given if "://" in given else f"https://{given}")
        except Malformed as error:
            raise NoReading("tls", f"tls.address is not valid: {error}", kind="bad-request") from None
        return None if parts.scheme == "http" else (parts.host, parts.port or 443)

    def handshake(self) -> Handshake | None:
        """The handshake with the address, None for plain HTTP."""
        address = self.address
        return address and self.bound.shared.get(("tls", address), lambda: self._look(*address))

    def _look(self, host: str, port: int) -> Handshake:
        from runbook_checks.probes.tls.server import look

        bundle = self.bound.path(self.settings.intermediates_file, "tls")
        return look(
            host,
            port,
            server_name=self.settings.server_name,
            ca_file=self.bound.ca_file,
            intermediates_file=str(bundle) if bundle else None,
            resolver=self.bound.resolver,
            far_ends=self.bound.far_ends,
        )


class Contract(Handle):
    """The OpenAPI document of the HTTP service, and the violations of its safe operations."""

    needs = ("openapi", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.OpenApi

    @property
    def source(self) -> str | Path:
        """The document's address, or its file if one of that name exists."""
        given = self.bound.value(self.settings.document, "openapi") or ""
        file = self.run.vault.path(self.settings.document)
        is_address = given.startswith(("/", "http://", "https://")) and not os.path.isfile(file)
        return given if is_address else file

    @property
    def document(self) -> str:
        return str(self.source)

    def violations(self) -> list[Violation]:
        from runbook_checks.probes.openapi.violations import violations

        return violations(
            self.source,
            self.bound.http,
            max_examples=self.settings.examples,
            ignore=tuple(self.settings.ignore),
        )
