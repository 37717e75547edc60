"""What do the rows of a MySQL or MariaDB database say, or why can't they be read?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.sql.database import SqlDatabase

if TYPE_CHECKING:
    from collections.abc import Hashable

    from runbook_checks.probes.core.deadline import Deadline
    from runbook_checks.probes.mysql.connect import Settings
    from runbook_checks.probes.mysql.query import Query


class Mysql(SqlDatabase["Settings"]):
    """One database, looked at through an account that may only look.

    Every query runs in START TRANSACTION READ ONLY, with the server's own limits on statements and waits for locks.

    dsn        mysql://user:password@host:port/database?ssl-mode=...; nothing is taken from ~/.my.cnf
    ca_file    the authority the server's certificate must come from; certifi's without one
    resolver   "address[:port]" of a name server
    time_zone  of the session, such as "+00:00", where the tables' times are not in the server's

    Without ssl-mode the server must prove itself by a certificate of its name. The password goes over a connection
    without TLS only as a scramble: where a server wants more, that is tls-required.

    NoReading kinds on connect: name-not-resolved connection-refused connect-timeout authentication-failed
    database-missing too-many-connections tls-required host-not-allowed starting-up tls-failed dsn-malformed
    connection-lost no-privilege malformed-answer, None (the server's own words); ca-file-unreadable. On queries:
    no-privilege undefined-table statement-timeout lock-timeout connection-lost sql-error too-many-rows; pool-busy
    where no connection came free in time. evidence: host, port, database, user, peer, errno.
    """

    def __init__(self, dsn: str, *, resource: str = "mysql", time_zone: str | None = None, **more: Any) -> None:
        super().__init__(dsn, resource=resource, **more)
        self._time_zone = time_zone

    def _import(self) -> None:
        import runbook_checks.probes.mysql.wire  # noqa: F401

    def _parsed(self) -> Settings:
        from runbook_checks.probes.mysql.connect import Settings
        from runbook_checks.probes.mysql.dsn import parse

        dsn = parse(self._dsn, self.resource, self._ca_file)
        return Settings(dsn, self.resource, self._resolver, self._connect_timeout_s, self._time_zone)

    def _server(self, settings: Settings) -> Hashable:
        return ("mysql", settings.dsn.host.lower(), settings.dsn.port, settings.dsn.user)

    def _connect(self, settings: Settings, deadline: Deadline, role_limit: int | None) -> Any:
        from runbook_checks.probes.mysql.connect import connect

        return connect(replace(settings, role_limit=role_limit), deadline)

    def _asking(self, connection: Any, settings: Settings, limit_s: float) -> Query:
        from runbook_checks.probes.mysql.query import Query

        return Query(connection, settings, limit_s, self._mark)
