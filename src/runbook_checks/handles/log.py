"""Read a service's log from a file, Loki, CloudWatch Logs or a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks.config import capabilities
    from runbook_checks.probes.logs.cloudwatch import CloudWatch
    from runbook_checks.probes.logs.file import LogReading
    from runbook_checks.probes.logs.loki import Loki
    from runbook_checks.probes.logs.slow_requests import Requests

QUIET_S = 24 * 3600.0  # where an empty window is allowed, there must be an entry within a day
COMMAND_S = 8.0


class Log(Handle):
    """The service's log, in a window that ends when the run began."""

    needs = ("logs",)
    settings: capabilities.Logs

    @property
    def source(self) -> str:
        """The kind of place: file, loki, cloudwatch or command."""
        return self.settings.places[0]

    @property
    def file(self) -> Path:
        path = self.bound.path(self.settings.file, "logs")
        if path is None:
            raise NoReading(
                "logs", f"only a log file can be read for this, and logs.{self.source} is configured", kind="no-source"
            )
        return path

    @property
    def place(self) -> str:
        """The place, as a reader can find it."""
        rule = self.settings
        if self.source == "loki" and rule.loki is not None:
            return f"Loki {' and '.join(rule.loki.selectors)}"
        if rule.cloudwatch is not None:
            return f"CloudWatch Logs {' and '.join(rule.cloudwatch.groups)}"
        return f"the output of {rule.command[0]}" if rule.command else str(self.file)

    def windows(self) -> tuple[float, float, float]:
        """Begin of the previous window, begin of the window, end of the window (seconds since the epoch)."""
        length = self.settings.window_min * 60
        return self.run.started - 2 * length, self.run.started - length, self.run.started

    def read(self) -> LogReading:
        """Both windows; read once for all checks."""
        return self.bound.shared.get("log", self._read)

    def grouped(self, message: str) -> str:
        """A message without ids and numbers. Secrets are redacted first: without digits they are not recognised."""
        from runbook_checks.probes.logs.lines import group_message

        return group_message(self.run.redaction.name(message))

    def _read(self) -> LogReading:
        since, _, until = self.windows()
        alive_s = max(QUIET_S, until - since) if self.settings.quiet_is_fine else until - since
        rule = self.settings
        if self.source == "loki" and rule.loki is not None:
            if not rule.loki.selectors:
                raise NoReading("logs", "logs.loki.selectors is empty", kind="no-source")
            return self._loki(rule.loki).read(
                rule.loki.selectors, *_filters(rule.loki), since=since, until=until, alive_s=alive_s
            )
        if rule.cloudwatch is not None:
            groups, pattern = rule.cloudwatch.groups, rule.cloudwatch.pattern
            return self._cloudwatch(rule.cloudwatch).read(groups, pattern, since=since, until=until, alive_s=alive_s)
        if rule.command:
            from runbook_checks.probes.logs.command import read_printed

            self.bound.require_commands("logs", "logs.command")
            seen = self.run.vault.for_commands()
            return read_printed(rule.command, since=since, until=until, timeout_s=COMMAND_S, variables=seen)
        from runbook_checks.probes.logs.file import read_entries

        return read_entries(self.file, since=since, until=until)

    def _loki(self, rule: capabilities.LokiLogs) -> Loki:
        from runbook_checks.probes.http.target import basic, bearer
        from runbook_checks.probes.logs.loki import MAX_BODY, Loki

        headers = {"X-Scope-OrgID": self.bound.value(rule.tenant, "logs") or ""} if rule.tenant else {}
        if rule.token is not None:
            headers |= bearer(self.bound.value(rule.token, "logs") or "")
        if rule.login is not None:
            user = self.bound.value(rule.login.user, "logs") or ""
            headers |= basic(user, self.bound.value(rule.login.password, "logs") or "")
        url = self.bound.value(rule.url, "logs") or ""
        return self.bound.opened(
            "loki", lambda: Loki(self.bound.http_at(url, "logs", headers=headers, max_body=MAX_BODY))
        )

    def _cloudwatch(self, rule: capabilities.CloudWatchLogs) -> CloudWatch:
        from runbook_checks.probes.logs.cloudwatch import CloudWatch

        return self.bound.opened(
            "cloudwatch",
            lambda: CloudWatch(
                self.bound.value(rule.region, "logs") or "",
                key_id=self.bound.value(rule.access_key_id, "logs"),
                secret=self.bound.value(rule.secret_access_key, "logs"),
                endpoint=self.bound.value(rule.endpoint, "logs"),
                ca_file=self.bound.ca_file,
                proxy=self.bound.value(self.chosen.settings.proxy, "logs"),
                resolver=self.bound.resolver,
                clear_text=self.bound.clear_text,
            ),
        )

    def requests(self, rule: capabilities.SlowRequests) -> Requests:
        """The requests of the window with their durations."""
        from runbook_checks.probes.logs.slow_requests import read_requests

        _, since, until = self.windows()
        return read_requests(self.file, since=since, until=until, field=rule.took, what=rule.what)


def _filters(rule: capabilities.LokiLogs) -> tuple[str, ...]:
    """LogQL's filters; a filter of the runbook's own stays the only one."""
    from runbook_checks.probes.logs.loki import GRAVE_BESIDE

    return (rule.filter, GRAVE_BESIDE) if rule.filter == type(rule).filter else (rule.filter,)
