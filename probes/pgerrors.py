"""What does an error of PostgreSQL, or of the way to it, stand for?"""

from __future__ import annotations

import re

from probes.reading import one_line

# https://www.postgresql.org/docs/current/errcodes-appendix.html
ON_CONNECT = {
    "28P01": "authentication-failed",
    "3D000": "database-missing",
    "53300": "too-many-connections",
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

# Poolers give one sqlstate (08P01) for everything, a server may speak Chinese, and what fails before the
# server has its say has no sqlstate at all: then the words decide, the first that fit.
WORDS = (
    # libpq's own words, where require_auth forbids what the server asks for
    ("clear-text-refused", r"requirement .* failed: server requested a cleartext password"),
    ("auth-not-supported", r"authentication method requirement"),
    ("tls-required", r"connection is insecure|SSL required|SSL connection is required|(?:SSL|TLS) is required"),
    ("tls-failed", r"does not support SSL|不支持 SSL|certificate verify failed|does not match host name"),
    ("tls-failed", r"root certificate|SSL error|SSL SYSCALL|channel binding"),
    ("host-not-allowed", r"pg_hba\.conf"),
    ("too-many-connections", r"too many (?:clients|connections)|connection slots|no more connections allowed"),
    ("too-many-connections", r"太多的客户|连接(?:太多|位置)|联接太多|客户端太多|太多客户端"),
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
    """A server's words. Before a session has an encoding they come in the server's own."""
    try:
        return message.decode()
    except UnicodeDecodeError:
        return message.decode("gb18030", "replace")


def kind_on_connect(sqlstate: str | None, message: str) -> str | None:
    if sqlstate in ON_CONNECT:
        return ON_CONNECT[sqlstate]
    return next((kind for kind, words in WORDS if re.search(words, message, re.IGNORECASE)), None)


def kind_on_query(sqlstate: str | None) -> str:
    if sqlstate is None:
        return "sql-error"
    if sqlstate.startswith("08"):
        return "connection-lost"
    return ON_QUERY.get(sqlstate, "sql-error")


def first_words(message: str) -> str:
    """The first line without what libpq and the server's severity put before it."""
    lines = [line for line in message.splitlines() if line.strip()]
    return one_line(PREFIX.sub("", lines[0]) or lines[0]) if lines else "no reason given"
