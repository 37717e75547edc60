"""Handles of the service's own host: variables, address, and what a rollback needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.host.files import look_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runbook_checks.config import capabilities
    from runbook_checks.probes.host.files import FileFacts
    from runbook_checks.probes.host.process import Holder
    from runbook_checks.probes.http.client import Http


class NextInstance(Handle):
    """The instance about to start: its variables, in the source that the environment names."""

    needs = ("variables",)
    settings: capabilities.Variables

    def read(self) -> dict[str, str]:
        return self.bound.shared.get("variables", self._read)

    def _read(self) -> dict[str, str]:
        from runbook_checks.probes.host.variables import read_variables

        rule = self.settings
        if not rule.has_source:
            raise NoReading("variables", "variables needs a source: process, file or command", kind="no-source")
        if rule.command:
            self.bound.require_commands("variables", "variables.command")
        path = self.bound.path(rule.file, "variables")
        source = "process" if rule.process else rule.command or path or ""
        variables: dict[str, str] = read_variables(source, self.run.vault.for_commands())
        for name in (*rule.secret, *rule.dsn):
            if variables.get(name):
                self.run.redaction.add(variables[name], name)
        return variables

    @property
    def source(self) -> str:
        if self.settings.file is not None:
            return str(self.bound.path(self.settings.file, "variables"))
        return "the process environment" if self.settings.process else f"{(self.settings.command or ['?'])[0]}"


class OwnHost(Handle):
    """The host the suite runs on, where that is the service's own."""

    needs = ("host",)
    settings: capabilities.Host

    @property
    def address(self) -> str:
        """HOST:PORT where the service will listen."""
        given = self.bound.value(self.settings.address, "host")
        if given:
            return given
        rule = self.chosen.settings.variables
        if rule is None or rule.address is None or "variables" not in self.chosen.given:
            raise NoReading("host", "neither host.address nor variables.address is configured", kind="no-source")
        variables = NextInstance(self.context, self.chosen).read()
        text = variables.get(rule.address, "").strip() or self.settings.default_address
        if not text:
            raise NoReading("host", f"neither {rule.address} nor host.default_address is set", kind="no-source")
        return text

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the address."""
        name, _, port = self.address.rpartition(":")
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise NoReading("host", f"the address {self.address!r} is not HOST:PORT", kind="malformed-address")
        return name.strip("[]"), int(port)

    def holder(self, host: str, port: int) -> Holder | None:
        from runbook_checks.probes.host.process import holder

        return holder(host, port)


class WayBack(Handle):
    """What a rollback needs."""

    needs = ("rollback",)
    settings: capabilities.Rollback

    def needed(self) -> dict[str, Path]:
        """What the environment names: artefact, configuration, script."""
        named = {name: getattr(self.settings, name) for name in ("artefact", "configuration", "script")}
        paths = {name: self.bound.path(text, "rollback") for name, text in named.items()}
        return {name: path for name, path in paths.items() if path is not None}

    @property
    def image(self) -> str | None:
        """The previous image's name with its tag, where the environment names a registry."""
        rule = self.settings.image
        return None if rule is None or rule.registry is None else f"{rule.repository}:{rule.tag}"

    def digest(self) -> str | None:
        """The image's digest, None where the registry has none of that name."""
        from runbook_checks.probes.http.target import basic
        from runbook_checks.probes.providers import oci_registry as registry

        rule = self.settings.image
        assert rule is not None
        login = {}
        if rule.login is not None:
            user = self.bound.value(rule.login.user, registry.RESOURCE) or ""
            login = basic(user, self.bound.value(rule.login.password, registry.RESOURCE) or "")
        url = self.bound.value(rule.registry, registry.RESOURCE) or ""

        def at(address: str, headers: Mapping[str, str]) -> Http:
            return self.bound.http_at(address, registry.RESOURCE, headers=headers)

        def far(address: str, headers: Mapping[str, str]) -> Http:
            return self.bound.http_at(address, registry.RESOURCE, headers=headers, far_ends=self.bound.far_ends)

        return registry.digest(at, url, rule.repository, rule.tag, login, open_far=far, named=rule.realms)

    def look_at(self, path: Path) -> FileFacts | None:
        return look_at(path)
