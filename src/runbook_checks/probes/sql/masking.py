"""Show an SQL statement without its literals."""

from __future__ import annotations

import re
from typing import Literal

from runbook_checks.probes.core.reading import one_line

MAX_STATEMENT = 300

# A server truncates long statements: a literal without an end reaches to the end of the text.
_POSTGRESQL = r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|$) )
  | (?P<text> [eE]'(?:''|\\.|[^'\\])*(?:'|$) | (?:[bBxXnN]|[uU]&)?'(?:''|[^'])*(?:'|$)
            | \$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|$) )
  | (?P<name> "(?:""|[^"])*(?:"|$) | [^\W\d][\w$]* | \$\d+ )
  | (?P<number> 0[xXoObB][0-9a-fA-F_]+ | (?:\d[\d_]*\.?|\.\d)[\d_]*(?:[eE][+-]?\d+)? )
"""
_MYSQL = r"""
    (?P<comment> --\s[^\n]* | \#[^\n]* | /\*.*?(?:\*/|$) )
  | (?P<text> (?:[bBxXnN]|_\w+\s*)?'(?:''|\\.|[^'\\])*(?:'|$) | "(?:""|\\.|[^"\\])*(?:"|$) )
  | (?P<name> `(?:``|[^`])*(?:`|$) | [^\W\d][\w$]* )
  | (?P<number> 0[xXbB][0-9a-fA-F]+ | (?:\d+\.?|\.\d)\d*(?:[eE][+-]?\d+)? )
"""
Engine = Literal["postgresql", "mysql"]
_PARTS = {
    "postgresql": re.compile(_POSTGRESQL, re.VERBOSE | re.DOTALL),
    "mysql": re.compile(_MYSQL, re.VERBOSE | re.DOTALL),
}


def without_literals(statement: str, engine: Engine = "postgresql") -> str:
    """The statement in one line, without comments, `?` for each string and number; names and $1 stay."""
    return one_line(_PARTS[engine].sub(_replacement, statement), MAX_STATEMENT)


def _replacement(part: re.Match[str]) -> str:
    return {"comment": " ", "name": part.group()}.get(part.lastgroup or "", "?")
