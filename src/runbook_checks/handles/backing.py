"""What is there to ask of what stands behind a service: its cache, its AI, its migrations' ledger?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.http.response import Answer
    from runbook_checks.probes.redis.client import Facts, Redis


class Cache(Handle):
    """The Redis; one look for all checks."""

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
    """The document in which the service tells of its AI."""

    needs = ("ai", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Ai

    def read(self) -> tuple[Answer, dict[str, Any]]:
        answer = self.bound.http.get(self.settings.path)
        document = answer.json() if answer.status in (200, 503) else None
        if not isinstance(document, dict):
            reason = f"{answer.url} answered HTTP {answer.status} where the state of AI was due"
            raise NoReading("http", reason, kind="wrong-status")
        return answer, document

    def field(self, answer: Answer, document: dict[str, Any], name: str) -> Any:
        """A field by its name, dots for nesting; NoReading where it is missing."""
        value: Any = document
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            raise NoReading("http", f"{answer.url} has no field {name}", kind="field-missing")
        return value

    def number(self, answer: Answer, document: dict[str, Any], name: str) -> float:
        value = self.field(answer, document, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NoReading("http", f"{answer.url}: the field {name} is no number", kind="field-missing")
        return float(value)


class Ledger(Handle):
    """The table in which a migration tool notes what it did."""

    needs = ("postgres",)
    libraries = ("runbook_checks.probes.postgres.client",)

    @property
    def rule(self) -> capabilities.Ledger:
        rule: capabilities.Ledger | None = self.settings.ledger
        if rule is None:
            raise NoReading("postgres", "the runbook file names no ledger (postgres.ledger)", kind="no-source")
        return rule

    @property
    def expected(self) -> str | None:
        return self.bound.value(self.rule.expected, "postgres")

    def entries(self) -> list[dict[str, Any]]:
        """Name, is_finished, is_rolled_back of each entry, by name; NoReading where rows may be hidden."""
        from psycopg import sql

        rule, table = self.rule, sql.Identifier(self.settings.schema, self.rule.table)
        hidden = sql.SQL("SELECT row_security_active({}::text::regclass) AS hidden").format(table.as_string())
        if self.bound.postgres.query(hidden.as_string())[0]["hidden"]:
            reason = f"row security hides rows of {rule.table} from us"
            raise NoReading("postgres", reason, kind="no-privilege")
        back = sql.SQL("{} IS NOT NULL").format(sql.Identifier(rule.rolled_back)) if rule.rolled_back else "false"
        statement = sql.SQL(
            "SELECT {name}::text AS name, {finished} IS NOT NULL AS is_finished, {back} AS is_rolled_back"
            " FROM {table} ORDER BY {name}"
        ).format(
            name=sql.Identifier(rule.name),
            finished=sql.Identifier(rule.finished),
            back=back if isinstance(back, sql.Composable) else sql.SQL(back),
            table=table,
        )
        return list(self.bound.postgres.query(statement.as_string()))
