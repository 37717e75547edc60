"""Filters of Logs Insights."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<regex>/(?:[^/\\]|\\.)*/i?)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<sign><=|>=|!=|=~|[()\[\],=<>])|(?P<word>[@\w.`-]+))"""
)


class MalformedQuery(Exception):
    """The query cannot be evaluated."""


def condition(text: str) -> Callable[[Row], bool]:
    """Return the test for a condition."""
    return _Condition(text).whole()


class _Condition:
    """A filter's condition: or, and, not, parentheses, comparisons, like, in, ispresent."""

    def __init__(self, text: str) -> None:
        self._tokens = [match for match in _TOKEN.finditer(text.strip()) if match[0].strip()]
        if "".join(match[0] for match in self._tokens).replace(" ", "") != re.sub(r"\s", "", text).replace(" ", ""):
            raise MalformedQuery(f"the condition {text!r} cannot be parsed")
        self._at = 0

    def whole(self) -> Callable[[Row], bool]:
        test = self._any()
        if self._at < len(self._tokens):
            raise MalformedQuery(f"unexpected {self._tokens[self._at][0].strip()!r} in a condition")
        return test

    def _peek(self) -> str:
        return self._tokens[self._at][0].strip() if self._at < len(self._tokens) else ""

    def _take(self) -> re.Match[str]:
        if self._at >= len(self._tokens):
            raise MalformedQuery("a condition ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _is_next(self, word: str) -> bool:
        if self._peek().lower() == word:
            self._at += 1
            return True
        return False

    def _any(self) -> Callable[[Row], bool]:
        tests = [self._all()]
        while self._is_next("or"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Callable[[Row], bool]:
        tests = [self._one()]
        while self._is_next("and"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Callable[[Row], bool]:
        if self._is_next("not"):
            test = self._one()
            return lambda row: not test(row)
        if self._is_next("("):
            test = self._any()
            self._close(")")
            return test
        name = self._take()[0].strip().strip("`")
        if name.lower() == "ispresent":
            self._close("(")
            name = self._take()[0].strip().strip("`")
            self._close(")")
            return lambda row: name in row
        return self._compared(name)

    def _close(self, sign: str) -> None:
        if not self._is_next(sign):
            raise MalformedQuery(f"{sign!r} is missing in a condition")

    def _compared(self, name: str) -> Callable[[Row], bool]:
        sign = self._take()[0].strip().lower()
        if sign == "not":
            test = self._compared(name)
            return lambda row: not test(row)
        if sign in ("like", "=~"):
            pattern = self._pattern()
            return lambda row: name in row and bool(pattern.search(str(row[name])))
        if sign == "in":
            wanted = self._list()
            return lambda row: name in row and _plain(row[name]) in wanted
        value = self._value()
        return lambda row: name in row and _holds(_plain(row[name]), sign, value)

    def _list(self) -> list[Any]:
        self._close("[")
        values = [self._value()]
        while self._is_next(","):
            values.append(self._value())
        self._close("]")
        return values

    def _value(self) -> Any:
        token = self._take()
        if token["number"]:
            return float(token["number"])
        return _unquoted(token["text"]) if token["text"] else token[0].strip()

    def _pattern(self) -> re.Pattern[str]:
        token = self._take()
        if token["regex"]:
            source, _, flag = token["regex"][1:].rpartition("/")
            return re.compile(source, re.IGNORECASE if flag or source.startswith("(?i)") else 0)
        return re.compile(re.escape(_unquoted(token[0].strip())))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _holds(left: Any, sign: str, right: Any) -> bool:
    if sign in ("=", "!="):
        return (left == right) is (sign == "=")
    try:
        return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign])
    except (TypeError, KeyError):
        return False
