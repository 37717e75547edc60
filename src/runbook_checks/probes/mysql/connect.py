"""Connect to MySQL or MariaDB, or report why the server refuses the connection."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import Any

from runbook_checks.probes.core.deadline import Deadline
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.mysql.dsn import Dsn
from runbook_checks.probes.mysql.errors import kind_on_connect, masked, own_limit
from runbook_checks.probes.mysql.wire import (
    MAX_GREETING,
    Connection,
    NeedsTls,
    NotSupported,
    ServerError,
    TooMuch,
    number_and_words,
)
from runbook_checks.probes.net import tls_context
from runbook_checks.probes.net.connect import connect as connect_socket
from runbook_checks.probes.net.connect import join
from runbook_checks.probes.sql.pool import OWN_LIMIT


@dataclass
class Settings:
    dsn: Dsn
    resource: str
    resolver: str | None
    connect_timeout_s: float
    role_limit: int | None = None  # connections the account may hold, where that is known


def connect(settings: Settings, deadline: Deadline) -> Connection:
    """A connection to the DSN's database, within the deadline."""
    try:
        return _connect(settings, deadline)
    except NoReading as gone:
        # An account that REQUIREs TLS is refused with the error of a wrong password.
        if (
            gone.kind == "authentication-failed"
            and settings.dsn.mode == "DISABLED"
            and _does_tls_help(settings, deadline)
        ):
            raise _tls_required(gone, "accepts connections over TLS only") from None
        raise


def _does_tls_help(settings: Settings, deadline: Deadline) -> bool:
    encrypted = replace(settings, dsn=replace(settings.dsn, mode="REQUIRED"))
    try:
        _connect(encrypted, deadline).close()
    except NoReading as other:
        return other.kind in (OWN_LIMIT, RATE_LIMITED)
    return True


def _tls_required(gone: NoReading, what: str) -> NoReading:
    where = join(gone.evidence["host"], gone.evidence["port"])
    reason = f"{where} {what}, and the DSN says ssl-mode=DISABLED"
    return NoReading(gone.resource, reason, kind="tls-required", evidence=gone.evidence)


def _connect(settings: Settings, deadline: Deadline) -> Connection:
    dsn = settings.dsn
    context = _context(settings)
    evidence: dict[str, Any] = {"host": dsn.host, "port": dsn.port, "database": dsn.database, "user": dsn.user}
    try:
        reached = connect_socket(
            dsn.host,
            dsn.port,
            resolver=settings.resolver,
            deadline=deadline,
            connect_timeout_s=settings.connect_timeout_s,
            resource=settings.resource,
        )
    except NoReading as gone:
        gone.evidence = {**evidence, **gone.evidence}
        raise
    evidence["peer"] = reached.peer
    with deadline.watch(reached.sock):
        return _Attempt(settings, evidence, deadline).shake_hands(reached.sock, context)


def _context(settings: Settings) -> ssl.SSLContext | None:
    mode = settings.dsn.mode
    if mode == "DISABLED":
        return None
    made = (
        tls_context.context(settings.resource, settings.dsn.ca_file)
        if mode != "REQUIRED"
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    made.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        made.verify_mode = ssl.CERT_NONE
    return made


class _Attempt:
    """The handshake over one socket, and the reason if it fails."""

    def __init__(self, settings: Settings, evidence: dict[str, Any], deadline: Deadline) -> None:
        self._settings, self._evidence, self._deadline = settings, evidence, deadline
        self._where = join(settings.dsn.host, settings.dsn.port)

    def shake_hands(self, sock: Any, context: ssl.SSLContext | None) -> Connection:
        dsn = self._settings.dsn
        connection = Connection(
            host=dsn.host,
            port=dsn.port,
            user=dsn.user,
            password=dsn.password,
            database=dsn.database or None,
            ssl=context,
            ssl_disabled=context is None,
            is_verified=dsn.is_verified,
            charset="utf8mb4",
            autocommit=None,
            program_name="runbook-checks",
        )
        connection.begin_statement(self._deadline.remaining(), MAX_GREETING)
        try:
            connection.connect(sock)
        except NeedsTls:
            raise self._needs_tls(is_encrypted=context is not None) from None
        except NotSupported as other:
            what = f"wants a login by the plugin {one_line(str(other), 60)!r}, which is not supported"
            raise self._gone("auth-not-supported", f"{self._where} {what}") from None
        except TooMuch:
            raise self._gone("malformed-answer", f"{self._where} sends an endless greeting") from None
        except ssl.SSLError as error:
            raise self._tls_failed(error) from None
        except ServerError as error:
            raise self._refused(error, connection) from None
        except Exception as error:
            # PyMySQL parses packets without checks: any other exception means that this is not MySQL.
            raise self._broken(type(error).__name__) from None
        return connection

    def _needs_tls(self, *, is_encrypted: bool) -> NoReading:
        what = f"{self._where} asks for the password in clear text, which is sent over verified TLS only"
        if not is_encrypted:
            return self._gone("tls-required", f"{what}; the DSN says ssl-mode=DISABLED")
        hint = "say ssl-mode=VERIFY_IDENTITY, or VERIFY_CA with the server's own authority as ssl-ca"
        return self._gone("clear-text-refused", f"{what}; {hint}")

    def _refused(self, error: BaseException, connection: Connection) -> NoReading:
        original = getattr(error, "original_exception", None)
        number, words = number_and_words(error)
        if self._deadline.expired or isinstance(original, TimeoutError):
            what = (
                "stopped responding during authentication"
                if hasattr(connection, "server_version")
                else "sent no greeting"
            )
            waited = f"within {self._deadline.seconds:.1f} s"
            return self._gone("connect-timeout", f"{self._where} accepted the connection but {what} {waited}")
        if isinstance(original, ssl.SSLError):
            return self._tls_failed(original)
        if number == 2026:
            what = "offers no TLS: turn it on there, or where the network is trusted write ssl-mode=DISABLED in the DSN"
            is_meant = self._settings.dsn.says_mode
            return self._gone("tls-failed" if is_meant else "tls-undecided", f"{self._where} {what}")
        if number in (2003, 2006, 2013):
            return self._gone("connection-lost", f"{self._where} closed the connection during authentication")
        if number < 1000:
            return self._broken("unexpected packet")
        self._evidence["errno"] = number
        kind, shown = kind_on_connect(number, words), one_line(masked(words, self._settings.dsn.password), 200)
        if kind in (OWN_LIMIT, RATE_LIMITED):
            shown = own_limit(shown, self._settings.dsn.user, self._settings.role_limit)
            return self._gone(kind, f"{self._where}: {shown}")
        return self._gone(kind, f"{self._where} refused the login: {shown}")

    def _tls_failed(self, error: ssl.SSLError) -> NoReading:
        what = f"the TLS handshake with {self._where} fails: {tls_context.openssl_words(error)}"
        return self._gone("tls-failed", what)

    def _broken(self, what: str) -> NoReading:
        if self._deadline.expired:
            return self._gone("connect-timeout", f"{self._where} did not finish its greeting in time")
        return self._gone("malformed-answer", f"what {self._where} says is not the MySQL protocol ({what})")

    def _gone(self, kind: str | None, reason: str) -> NoReading:
        return NoReading(self._settings.resource, reason, kind=kind, evidence=self._evidence)
