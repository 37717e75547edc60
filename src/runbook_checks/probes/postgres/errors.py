"""Classify errors of PostgreSQL, of poolers, and of the network."""

from __future__ import annotations

import re

from psycopg import sql

from runbook_checks.probes.core.reading import one_line
from runbook_checks.probes.sql.pool import OWN_LIMIT, SERVER_FULL, all_in_use

TOO_MANY = "53300"  # of the server, of the database, or of the role: only the words say which
# https://www.postgresql.org/docs/current/errcodes-appendix.html
ON_CONNECT = {
    "28P01": "authentication-failed",
    "3D000": "database-missing",
    "57P03": "starting-up",
    "42501": "no-privilege",
    "57P01": "connection-lost",
    "57P02": "connection-lost",
}
ON_QUERY = {
    "42501": "no-privilege",
    "42P01": "undefined-table",
    "57014": "statement-timeout",
    "55P03": "lock-timeout",
    "57P01": "connection-lost",
    "57P02": "connection-lost",
    "57P03": "connection-lost",
    "57P05": "connection-lost",
    "25P03": "connection-lost",
}

# Poolers use one sqlstate (08P01) for everything, servers translate their messages, and an error before the server's
# first message has no sqlstate: then the words decide, the first that match.
WORDS = (
    # libpq's own words, where require_auth forbids what the server asks for
    ("clear-text-refused", r"requirement .* failed: server requested a cleartext password"),
    ("auth-not-supported", r"authentication method requirement"),
    # PostgreSQL, PgBouncer, Supavisor: what counts for our role alone, or for its pool.
    (OWN_LIMIT, r"too many connections for role|由角色.*连接太多|\(max_user_client_connections\)"),
    (OWN_LIMIT, POOLER := r"query_wait_timeout|too many servers in the pool|max clients reached"),
    ("tls-required", r"connection is insecure|SSL required|SSL connection is required|(?:SSL|TLS) is required"),
    ("tls-failed", r"does not support SSL|不支持 SSL|certificate verify failed|does not match host name"),
    ("tls-failed", r"root certificate|SSL error|SSL SYSCALL|channel binding"),
    ("host-not-allowed", r"pg_hba\.conf"),
    (SERVER_FULL, r"too many (?:clients|connections)|connection slots|no more connections allowed"),
    (SERVER_FULL, r"client connections exceeded|max client connections reached"),
    (SERVER_FULL, r"太多的客户|连接(?:太多|位置)|联接太多|客户端太多|太多客户端"),
    ("starting-up", r"database system is|数据库系统(?:启动|停止|在恢复|正在)"),
    ("database-missing", r"database .*does not exist|no such database|数据库 ?\".*\" ?不存在"),
    ("authentication-failed", r"no password supplied|authentication failed|(?:no such user|auth failed)"),
    ("authentication-failed", r"role .*(?:does not exist|not permitted to log in)|认证(?:失败| PAM 失败)"),
    ("authentication-failed", r"角色 ?\".*\" ?(?:不存在|进行登录)|对等认证|鉴权失败"),
    ("no-privilege", r"permission denied|权限不够"),
    ("malformed-answer", r"invalid response to SSL|expected authentication|authentication request|lost synchron"),
    ("malformed-answer", r"unexpected (?:message|response)|protocol|out of memory|unsupported frontend"),
    ("connection-refused", r"Connection refused|拒绝连接|No such file or directory"),
    ("connection-lost", r"closed the connection|reset by peer|Broken pipe|server conn crashed|意外地关闭"),
)
PREFIX = re.compile(
    r"^(?:connection (?:to server .*?|is bad|failed).*?: |\s)*(?:(?:FATAL|PANIC|ERROR|致命错误|错误):\s*)?", re.DOTALL
)


def decode(message: bytes) -> str:
    """A server's message. Before the session has an encoding, it comes in the server's own."""
    try:
        return message.decode()
    except UnicodeDecodeError:
        return message.decode("gb18030", "replace")


def kind_on_connect(sqlstate: str | None, message: str, user: str = "") -> str | None:
    """The kind of a refusal. Only the message about a role's limit quotes the role, in any language: `user`."""
    if sqlstate in ON_CONNECT:
        return ON_CONNECT[sqlstate]
    by_words = next((kind for kind, words in WORDS if re.search(words, message, re.IGNORECASE)), None)
    if sqlstate == TOO_MANY:
        names_role = bool(user) and re.search(rf'["«»„“「]\s?{re.escape(user)}\s?["«»”“」]', first_words(message))
        return OWN_LIMIT if by_words == OWN_LIMIT or (by_words is None and names_role) else SERVER_FULL
    return by_words


def kind_on_query(sqlstate: str | None, message: str = "") -> str:
    if re.search(POOLER, message):
        return OWN_LIMIT
    if sqlstate is None:
        return "sql-error"
    if sqlstate.startswith("08"):
        return "connection-lost"
    return ON_QUERY.get(sqlstate, "sql-error")


def missing_grant(message: str, user: str) -> str:
    """The statement that gives a role the privilege whose lack the server reports in English; empty if not known."""
    found = re.fullmatch(r"permission denied for (schema|table|view|materialized view|foreign table) (.+)", message)
    if found is None or not user:
        return ""
    right = "USAGE ON SCHEMA" if found[1] == "schema" else "SELECT ON"
    return f"; as its owner: GRANT {right} {sql.Identifier(found[2]).as_string()} TO {sql.Identifier(user).as_string()}"


def own_limit(message: str, user: str, limit: int | None) -> str:
    """The reason for a refusal by our own limit, and what to do."""
    if re.search(POOLER, message, re.IGNORECASE):
        full = f"the pooler has no connection left for the monitor role {user} ({first_words(message)})"
        return f"{full}: raise its pool size or run fewer at once"
    return f"{all_in_use(f'the monitor role {user}', limit)}: raise its CONNECTION LIMIT or run fewer at once"


def first_words(message: str) -> str:
    """The first line without the prefixes of libpq and the severity."""
    lines = [line for line in message.splitlines() if line.strip()]
    return one_line(PREFIX.sub("", lines[0]) or lines[0]) if lines else "no reason given"


def masked(text: str, password: str) -> str:
    """Hide the password, because a server may repeat what it received."""
    return text.replace(password, "***") if len(password) >= 4 else text
