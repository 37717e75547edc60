"""Handles of what a service depends on: its Redis, its AI status, the ledger of its migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.ledgers import compare, latest

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.http.response import Answer
    from runbook_checks.probes.postgres.ledgers import Tool
    from runbook_checks.probes.redis.client import Facts, Redis
    from runbook_checks.probes.sql.ledgers import Difference, Entry


class Cache(Handle):
    """The Redis; all checks share one reading."""

    needs = ("redis",)
    settings: capabilities.Redis

    @property
    def redis(self) -> Redis:
        from runbook_checks.probes.redis.client import Redis

        return Redis(
            self.bound.value(self.settings.url, "redis") or "",
            timeout_s=self.settings.timeout_s,
            resolver=self.bound.resolver,
            ca_file=self.bound.ca_file,
            clear_text=self.bound.clear_text,
        )

    def look(self) -> Facts:
        return self.bound.shared.get("redis", self.redis.look)


class AiStatus(Handle):
    """The document in which the service reports the state of its AI."""

    needs = ("ai", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Ai

    def read(self) -> tuple[Answer, dict[str, Any]]:
        answer = self.bound.http.get(self.settings.path)
        document = answer.json() if answer.status in (200, 503) else None
        if not isinstance(document, dict):
            reason = f"{answer.url} answered HTTP {answer.status}, without the state of the AI"
            raise NoReading("http", reason, kind="wrong-status")
        return answer, document

    def field(self, answer: Answer, document: dict[str, Any], name: str) -> Any:
        """A field by its dotted name. NoReading field-missing if it is missing."""
        value: Any = document
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            raise NoReading("http", f"{answer.url} has no field {name}", kind="field-missing")
        return value

    def number(self, answer: Answer, document: dict[str, Any], name: str) -> float:
        value = self.field(answer, document, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NoReading("http", f"{answer.url}: the field {name} is not a number", kind="field-missing")
        return float(value)


class Ledger(Handle):
    """The table in which a migration tool records its migrations."""

    needs = ("postgres",)
    libraries = ("runbook_checks.probes.postgres.client",)

    @property
    def rule(self) -> capabilities.Ledger:
        rule: capabilities.Ledger | None = self.settings.ledger
        if rule is None:
            raise NoReading("postgres", "postgres.ledger is not configured: name the migration tool", kind="no-source")
        return rule

    @property
    def expected(self) -> str | None:
        return self.bound.value(self.rule.expected, "postgres")

    @property
    def table(self) -> str:
        """The ledger's table, without its schema."""
        return self.rule.table or self._tool.table

    @property
    def kind(self) -> str:
        return self.rule.kind or ""

    @property
    def _tool(self) -> Tool:
        from runbook_checks.probes.postgres.ledgers import PRISMA, TOOLS

        return TOOLS[self.rule.kind or PRISMA]

    def entries(self) -> list[Entry]:
        """The latest entry of each migration, by name; NoReading where rows may be hidden."""
        from runbook_checks.probes.postgres import ledgers

        rule = self.rule
        # Prisma's own table has its columns; another one, with the settings left as they are, may lack them.
        optional = ("finished_at", "rolled_back_at") if rule.table else ()
        own = ledgers.OwnTable(rule.name, rule.finished, rule.rolled_back, optional)
        tool = self._tool if rule.kind else own
        return latest(ledgers.entries(self._rows, (self.settings.schema, self.table), tool))

    def difference(self, entries: list[Entry]) -> Difference | None:
        """How the newest migration that is done differs from the expected one, which the settings must name."""
        expected = self.expected or ""
        try:
            return compare(self.kind, entries, expected)
        except ValueError as wrong:
            raise NoReading("postgres", f"postgres.ledger.expected: {wrong}", kind="no-source") from None

    def _rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        return self.bound.postgres.query(statement, parameters or None)
