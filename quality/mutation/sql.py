"""Find possible changes in a query: comparisons, conditions, numbers, orders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IS_QUERY = re.compile(r"\b(SELECT|WHERE|HAVING|GROUP BY|ORDER BY|JOIN)\b")
_WORDS = {
    "<=": "<",
    ">=": ">",
    "<>": "=",
    "!=": "=",
    "<": ">",
    ">": "<",
    "=": "<>",
    "AND": "OR",
    "OR": "AND",
    "IS NOT NULL": "IS NULL",
    "IS NULL": "IS NOT NULL",
    "NOT IN": "IN",
    "IN": "NOT IN",
    "NOT EXISTS": "EXISTS",
    "EXISTS": "NOT EXISTS",
    "NOT LIKE": "LIKE",
    "LIKE": "NOT LIKE",
    "NOT": "",
    "LEFT JOIN": "JOIN",
    "DESC": "ASC",
    "min": "max",
    "max": "min",
}
_PLACE = re.compile(
    r"<=|>=|<>|!=|(?<![-<>=:|~!])[<>=](?![=>])"
    r"|\b(?:IS NOT NULL|IS NULL|NOT IN|NOT EXISTS|NOT LIKE|AND|OR|IN|EXISTS|LIKE|NOT|LEFT JOIN|DESC)\b"
    r"|\b(?:min|max)(?=\()|(?<![\w.%$])\d+(?:\.\d+)?(?![\w.])"
)
# Parts that are not changed: a placeholder of an f-string, column numbers, the second half of BETWEEN.
_LEFT_ALONE = re.compile(r"\{[^{}]*\}|(?:GROUP|ORDER) BY [\d, ]+|BETWEEN\s+\S+\s+AND|^[rbfRBF]*[\"']+")


def changes_of_queries(literal: str) -> Iterator[tuple[int, int, str]]:
    """Yield the changes to a string literal, in bytes from its beginning; none if it is not a query."""
    if "GRANT " in literal or not _IS_QUERY.search(literal):
        return
    left_alone = [match.span() for match in _LEFT_ALONE.finditer(literal)]
    for match in _PLACE.finditer(literal):
        if not any(begin <= match.start() < end for begin, end in left_alone):
            start = len(literal[: match.start()].encode())
            yield start, start + len(match[0].encode()), _other(match[0])


def _other(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    return "1" if float(word) == 0 else f"{float(word) * 2:g}"
