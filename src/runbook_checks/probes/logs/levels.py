"""Map the level names and numbers of log libraries to one set of names.

TRACE, DEBUG, INFO, NOTICE, WARN, ERROR, FATAL, PANIC. A name that is in no known library stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LEVEL_WITHIN = 80
# Level of a line that belongs to the entry before it, such as a frame of a stack trace that a collector sent alone.
CONTINUATION = "CONTINUATION"
_SYNONYMS = {
    **dict.fromkeys(("ERR", "E", "SEVERE", "FAIL", "FAILURE", "EROR"), "ERROR"),
    **dict.fromkeys(("CRITICAL", "CRIT", "ALERT", "EMERG", "EMERGENCY", "FTL", "F"), "FATAL"),
    **dict.fromkeys(("DPANIC", "PNC"), "PANIC"),
    **dict.fromkeys(("WARNING", "WRN", "W"), "WARN"),
    **dict.fromkeys(("INFORMATION", "INFORMATIONAL", "INF", "I", "CONFIG", "LOG"), "INFO"),
    **dict.fromkeys(("DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY"), "INFO"),  # PostgreSQL, beside an ERROR
    **dict.fromkeys(("DBG", "DBUG", "D", "FINE"), "DEBUG"),
    **dict.fromkeys(("UNKNOWN", "UNSPECIFIED", "NONE", "NULL", "-"), ""),
    **dict.fromkeys(("TRC", "TRCE", "VRB", "VERBOSE", "FINER", "FINEST"), "TRACE"),
}
# HTTP and SILLY: winston; SUCCESS: loguru.
KNOWN = {
    CONTINUATION,
    "TRACE",
    "DEBUG",
    "INFO",
    "NOTICE",
    "WARN",
    "ERROR",
    "FATAL",
    "PANIC",
    "HTTP",
    "SILLY",
    "SUCCESS",
}
_WORDS = (
    r"TRACE|DEBUG|INFO(?:RMATION)?|NOTICE|WARN(?:ING)?|ERROR|ERR|FATAL|CRITICAL|CRIT|PANIC|ALERT|EMERG(?:ENCY)?"
    r"|SEVERE|VRB|DBG|INF|WRN|FTL|PNC|TRC|DBUG|TRCE"
    r"|(?:FAIL|CONFIG|FINE|FINER|FINEST|LOG|DETAIL|HINT|STATEMENT|CONTEXT|QUERY)(?=:)"
)
_FIRST = re.compile(rf"[\s\[(<|:-]*\b({_WORDS})\b[\])>:|]*(?:\s+--?\s(?::\s)?)?\s*", re.IGNORECASE)
# After up to four values in brackets, such as a thread, a process or a module.
_BRACKETED = re.compile(rf"(?:\[[^\]]{{0,60}}\]\s*){{1,4}}?[\s\[(<|:-]*\b({_WORDS})\b[\])>:|]", re.IGNORECASE)
_MODULE = re.compile(rf"\[\w*:({_WORDS})\]\s*", re.IGNORECASE)  # Apache's [core:error]
_INSIDE = re.compile(rf"\b({_WORDS})\b")
_FIELD = re.compile(r'\b(?:level|lvl|severity)="?(\w+)')
_FIELD_MESSAGE = re.compile(r'\b(?:msg|message)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_PHP_FATAL = re.compile(r"\bPHP (?:(?:Recoverable )?fatal|Parse|Core|Compile) error:", re.IGNORECASE)
_PHP_OTHER = re.compile(r"\bPHP (Warning|Notice|Deprecated|Strict Standards):", re.IGNORECASE)
# AWS Lambda's own lines: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
_LAMBDA_ERROR = re.compile(
    r"\bTask timed out after\b|^RequestId: \S+ Error: |^REPORT RequestId: .*\bRuntime\.OutOfMemory\b|\bsignal: killed\b"
)
_LAMBDA_INFO = re.compile(r"^(?:(?:START|END|REPORT) RequestId: |INIT_START\b|INIT_REPORT\b|RESTORE_\w+\b|EXTENSION\b)")

# Keys in lower case, the most explicit first.
_KEYS = (
    "level_name", "levelname", "severity_text", "severitytext", "level", "log.level", "severity", "lvl", "loglevel",
    "log_level", "error_severity", "@l", "s", "priority", "severity_number", "severitynumber", "levelno",
)  # fmt: skip
# bunyan and pino; Monolog.
_NUMBERED = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
_NUMBERED |= {100: "DEBUG", 200: "INFO", 250: "NOTICE", 300: "WARN", 400: "ERROR", 500: "FATAL", 550: "FATAL"}
_NUMBERED |= {600: "FATAL"}
_PYTHON = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "FATAL"}
_SYSLOG = ("FATAL", "FATAL", "FATAL", "ERROR", "WARN", "NOTICE", "INFO", "DEBUG")  # RFC 5424, 6.2.1
_OTLP = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")  # OpenTelemetry's SeverityNumber, four numbers each
_REQUEST_KEYS = ("method", "request", "path", "uri", "url", "request_method", "request_uri", "requesturi")
_STATUS_KEYS = ("status", "status_code", "statuscode")


def named(level: str) -> str:
    """The common name of a level, in capitals; a name that is not known stays as it is."""
    text = level.strip().upper()
    return _SYNONYMS.get(text, text)


def of_syslog(number: int) -> str:
    """The level of a syslog severity, 0 to 7."""
    return _SYSLOG[number] if 0 <= number < len(_SYSLOG) else ""


def of_otlp(number: int) -> str:
    """The level of OpenTelemetry's SeverityNumber, 1 to 24."""
    return _OTLP[(number - 1) // 4] if 1 <= number <= 24 else ""


def of_label(name: str, value: str) -> str:
    """The level in a label or in metadata beside an entry."""
    return _of_value(name, value, {})


def of_status(status: int) -> str:
    """The level of a request that got this HTTP status."""
    return "ERROR" if status >= 500 else "INFO"


def of_text(rest: str) -> tuple[str, str]:
    """Level and message of a text line without its time."""
    level, message = _of_words(rest)
    if level in ("ERROR", "FATAL", "PANIC"):
        return level, message
    if ("PHP " in rest and _PHP_FATAL.search(rest)) or (not level and _LAMBDA_ERROR.search(rest)):
        return "ERROR", rest.strip()
    if not level and _LAMBDA_INFO.match(rest):
        return "INFO", rest.strip()
    if not level and (php := _PHP_OTHER.search(rest)):
        return ("WARN" if php[1].lower() == "warning" else "NOTICE"), rest.strip()
    return level, message


def _of_words(rest: str) -> tuple[str, str]:
    if field := _FIELD.search(rest[:LEVEL_WITHIN]):
        found = _FIELD_MESSAGE.search(rest)
        message = found and (found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
        return named(field[1]), (message or rest).strip()
    if first := _MODULE.match(rest) or _FIRST.match(rest):
        return named(first[1]), rest[first.end() :].strip()
    inside = _BRACKETED.match(rest) or _INSIDE.search(rest[:LEVEL_WITHIN])
    return (named(inside[1]) if inside else ""), rest.strip()


def of_document(document: Mapping[str, Any]) -> str:
    """The level of a JSON entry, "" where none is understood."""
    fields = {name.lower(): value for name, value in document.items()}
    nested = fields.get("log")
    if isinstance(nested, dict):  # Elastic Common Schema, nested
        fields.setdefault("log.level", nested.get("level"))
    for key in _KEYS:
        if key == "s" and "t" not in fields:  # MongoDB's, with its time
            continue
        if level := _of_value(key, fields.get(key), fields):
            return level
    return _implied(fields)


def _of_value(key: str, value: Any, fields: Mapping[str, Any]) -> str:
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, str) and not value.strip().isdecimal():
        return "" if key == "priority" else named(value)
    if isinstance(value, bool):
        return ""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return ""
    if key in ("severity_number", "severitynumber"):
        return of_otlp(number)
    if key == "levelno":
        return _PYTHON.get(number, "")
    if key == "priority" or "short_message" in fields:  # journald, GELF
        return of_syslog(number)
    return _NUMBERED.get(number, "")


def _implied(fields: Mapping[str, Any]) -> str:
    """The level of a document that has no field for it."""
    kind, record = fields.get("type"), fields.get("record")
    if isinstance(kind, str) and kind.startswith("platform.") and isinstance(record, dict):  # Lambda's own entries
        is_error = kind == "platform.report" and record.get("status") in ("timeout", "error", "failure")
        return "ERROR" if is_error else "INFO"
    if "errortype" in fields:
        return "ERROR"
    if "@t" in fields:  # Serilog leaves Information out
        return "INFO"
    if any(key in fields for key in _REQUEST_KEYS):
        status = next((fields[key] for key in _STATUS_KEYS if key in fields), None)
        if re.fullmatch(r"[1-5]\d\d", str(status), re.ASCII):
            return of_status(int(str(status)))
    return ""
