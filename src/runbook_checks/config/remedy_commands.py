"""Fill a runbook's sentences so that its commands can be pasted, whatever the values hold.

A command stands in backticks. A placeholder in it becomes one word of the command's language, with the quotes that the
value needs; so none stands inside quotes of the text's own. `{name:kind}` says what the value is where that matters:

    in SQL     {x} an identifier, dotted where it has a schema; {x:mysql} the same with MySQL's quotes;
               {x:text} a string; {x:words} a type or a list of privileges
    elsewhere  {x} a word, as a shell takes it; {x:words} several words

A value that can't be quoted for certain is not filled in: its name stands there in capitals.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([a-z]+))?\}")
_COMMAND = re.compile(r"(`[^`]*`)")
_SQL = re.compile(
    r"(?:ALTER|ANALYZE|CALL|CHECK|COMMENT|CREATE|DELETE|DROP|EXPLAIN|FLUSH|GRANT|INSERT|KILL|OPTIMIZE|REINDEX|RENAME|RESET|"
    r"REVOKE|SELECT|SET|SHOW|TRUNCATE|UPDATE|VACUUM|WITH)\b|\\[a-z]"
)
# Words that mean somebody or everything where a name of PostgreSQL could stand.
_MEANT_OTHERWISE = {"all", "public", "user", "none", "current_user", "current_role", "session_user"}
# What stands after these is read once more, as a program's text.
_READ_TWICE = re.compile(
    r"\b(?:eval|watch|trap|let|declare|typeset)\s|\[\[\s|\(\(|ProxyCommand=|<<"
    r"|\b(?:\w*sh|python[\d.]*|perl|ruby|node|psql|mysql|mariadb|script|flock|su)\s(?:.*\s)?-\w*[ce]\s"
    r"|\bssh\s+(?:-\S*\s+)*[^\s-]\S*\s"
)
# A shell expects a command after these, or a file to write to.
_IN_COMMANDS_PLACE = re.compile(
    r"(?:[|;&(<>]|(?:^|[|;&(])\s*(?:(?:if|while|until|then|do|else|elif|!|exec|command|env|nohup|time|xargs"
    r"|sudo(?:\s+-[ugh]\s+\S+|\s+-\S+)*|\w+=\S*)\s+)+)\s*$"
)


def parts(sentence: str) -> list[tuple[str, bool]]:
    """A sentence of a runbook file in its order, each part with whether it is a command (without its backticks)."""
    found = enumerate(_COMMAND.split(sentence))
    return [(part[1:-1] if number % 2 else part, bool(number % 2)) for number, part in found if part]


def fenced(command: str) -> str:
    """A command in backticks, in more of them than it has in a row (CommonMark, 6.1)."""
    fence = "`" * (max(map(len, re.findall("`+", command)), default=0) + 1)
    command = f" {command} " if command.startswith("`") or command.endswith("`") else command
    return f"{fence}{command}{fence}"


def filled(command: str, value: Callable[[str], str | None]) -> str:
    """A command with its placeholders filled; `value` has the text of a name, or None."""
    kinds = _IN_SQL if _SQL.match(command) else _IN_SHELL

    def one(match: re.Match[str]) -> str:
        text = value(match[1])
        if text is None:
            return f"<{match[1]}>"
        before = command[: match.start()]
        is_safe = not HIDDEN.search(text) and not (kinds is _IN_SHELL and _is_taken_for_an_option(text, before))
        quoted = kinds.get(match[2], kinds[None])(text) if is_safe else None
        return match[1].upper() if quoted is None else quoted

    return PLACEHOLDER.sub(one, command)


def _is_taken_for_an_option(text: str, before: str) -> bool:
    """A word that begins so is an option, a server (dig) or a file (curl) to the program before it."""
    begins = before[-1:].isspace() and not PLACEHOLDER.match(before)
    return begins and text.startswith(("-", "+", "@")) and " -- " not in before


def _identifier(text: str, quotes: str = '"') -> str | None:
    if not text or "\\" in text:
        return None
    return ".".join(
        part if re.fullmatch("[a-z_][a-z0-9_]*|[0-9]+", part) and part not in _MEANT_OTHERWISE
        else quotes + part.replace(quotes, 2 * quotes) + quotes
        for part in text.split(".")
    )  # fmt: skip


def _string(text: str) -> str | None:
    """MySQL takes a backslash for an escape, and PostgreSQL doesn't."""
    return None if "\\" in text else "'" + text.replace("'", "''") + "'"


def _words(text: str) -> str | None:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_ ,]*(?:\([0-9, ]+\))?[A-Za-z0-9_ ]*(?:\[\])*", text) else None


_IN_SQL: dict[str | None, Callable[[str], str | None]] = {
    None: _identifier,
    "mysql": lambda text: _identifier(text, "`"),
    "text": _string,
    "words": _words,
}
_IN_SHELL: dict[str | None, Callable[[str], str | None]] = {
    None: shlex.quote,
    "words": lambda text: shlex.join(text.split()),
}


def mistakes(sentence: str) -> Iterator[str]:
    """Why a sentence's placeholders can't be filled safely."""
    for part, is_command in parts(sentence):
        kinds = (_IN_SQL if _SQL.match(part) else _IN_SHELL) if is_command else {None: None}
        for match in PLACEHOLDER.finditer(part):
            if match[2] not in kinds:
                known = ", ".join(f"'{kind}'" for kind in kinds if kind) or "none here"
                yield f"{match[0]} has an unknown kind '{match[2]}' (there are: {known})"
            why = _unfillable(part[: match.start()], is_shell=kinds is _IN_SHELL) if is_command else None
            if why:
                yield f"{match[0]} {why}"


def _unfillable(before: str, *, is_shell: bool) -> str | None:
    """Why nothing can be filled in after this much of a command."""
    quotes = ""
    for found in re.finditer(r"\\.|['\"]", before):
        if quotes == "":
            quotes = found[0] if len(found[0]) == 1 else ""
        elif found[0] == quotes:
            quotes = ""
        elif quotes == "'" and found[0].endswith("'"):
            quotes = ""  # a backslash means nothing between these
    if quotes:
        return "stands inside quotes; leave the quotes out, for it gets those that its value needs"
    if is_shell and _IN_COMMANDS_PLACE.search(before):
        return "stands where a shell expects a command or a file to write to; write a word in capitals"
    if before.endswith(("\\", "$")):
        return f"stands behind {before[-1]}, which changes what its quotes mean"
    if _READ_TWICE.search(before):
        return "is read once more, as a program's text, which its quotes don't outlive; write a word in capitals"
    return None
