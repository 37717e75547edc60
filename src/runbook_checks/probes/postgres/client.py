"""What do the rows of a PostgreSQL database say, or why can't they be read?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.sql.database import SqlDatabase

if TYPE_CHECKING:
    from collections.abc import Hashable

    from runbook_checks.probes.core.deadline import Deadline
    from runbook_checks.probes.postgres.connect import Settings
    from runbook_checks.probes.postgres.query import Query


class Postgres(SqlDatabase["Settings"]):
    """One database, looked at through a role that may only look.

    Every query runs in BEGIN READ ONLY with SET LOCAL statement and lock time-outs.

    dsn       postgresql:// URL or key=value; nothing is taken from PG* variables, ~/.pgpass,
              ~/.pg_service.conf or ~/.postgresql
    ca_file   the authority the server's certificate must come from: TLS with verify-full, unless the DSN
              names another sslmode
    resolver  "address[:port]" of a name server

    NoReading kinds on connect: name-not-resolved connection-refused connect-timeout
    authentication-failed database-missing too-many-connections tls-required host-not-allowed starting-up
    tls-failed dsn-malformed connection-lost no-privilege malformed-answer, None (the server's own words);
    ca-file-unreadable. On queries: no-privilege undefined-table statement-timeout lock-timeout
    connection-lost sql-error too-many-rows; pool-busy where no connection came free in time.
    evidence: host, port, database, user, peer, sqlstate.
    """

    def __init__(self, dsn: str, *, resource: str = "postgres", **more: Any) -> None:
        super().__init__(dsn, resource=resource, **more)

    def _import(self) -> None:
        import psycopg  # noqa: F401

    def _parsed(self) -> Settings:
        from runbook_checks.probes.postgres.connect import Settings
        from runbook_checks.probes.postgres.dsn import parse

        dsn = parse(self._dsn, self.resource, self._ca_file)
        return Settings(dsn, self.resource, self._resolver, self._connect_timeout_s)

    def _server(self, settings: Settings) -> Hashable:
        return ("postgres", settings.dsn.places, settings.dsn.user)

    def _connect(self, settings: Settings, deadline: Deadline, role_limit: int | None) -> Any:
        from runbook_checks.probes.postgres.connect import connect

        return connect(replace(settings, role_limit=role_limit), deadline)

    def _asking(self, connection: Any, settings: Settings, limit_s: float) -> Query:
        from runbook_checks.probes.postgres.query import Query

        return Query(connection, settings, limit_s, self._mark)
