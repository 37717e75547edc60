"""Redact and shorten the free text of a result; the rest of a result stays unchanged.

Free text comes from a far end, a library or a check: seen, wanted, evidence, reason, traceback, titles and facts of
readings. Subjects, and the hosts and resolvers that identify roots, are names that a far end may choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import one_line
from runbook_checks.results.late_redaction import redacted_leaf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook_checks.config.redaction import Redaction
    from runbook_checks.config.results_document import JSON

# Text from a far end may be of any length.
MAX_SENTENCE = 500
MAX_SUBJECT = 200
MAX_TEXT = 2000
MAX_ENTRIES = 200
SPARE = 4096  # this much text after the limit is redacted too, since a secret may begin before the limit


@dataclass(frozen=True)
class FreeText:
    """Redacts and shortens each leaf of a result."""

    redaction: Redaction

    def sentence(self, said: str, limit: int = MAX_SENTENCE) -> str:
        return one_line(self.redaction.text(said[: limit + SPARE]), limit)

    def subject(self, subject: str | None) -> str | None:
        return one_line(self.redaction.name(subject[: MAX_SUBJECT + SPARE]), MAX_SUBJECT) if subject else None

    def evidence(self, values: Mapping[str, Any]) -> dict[str, JSON]:
        """The evidence of a finding or an unknown; names in it are redacted as names."""
        return {name: _cut(redacted_leaf(name, value, self.redaction)) for name, value in values.items()}

    def facts(self, values: Mapping[str, Any]) -> dict[str, JSON]:
        return {name: _cut(self.redaction.tree(value)) for name, value in values.items()}


def plain(value: Any) -> Any:
    """A value as JSON, limited in length."""
    if isinstance(value, dict):
        entries = list(value.items())
        return {plain(str(name)): plain(entry) for name, entry in entries[:MAX_ENTRIES]} | _more(entries)
    if isinstance(value, list | tuple | set | frozenset):
        entries = list(value)
        return [plain(entry) for entry in entries[:MAX_ENTRIES]] + list(_more(entries))
    if isinstance(value, int | None) or (isinstance(value, float) and isfinite(value)):
        return value
    return str(value)[: MAX_TEXT + SPARE]


def _more(entries: list[Any]) -> dict[str, int]:
    left_out = len(entries) - MAX_ENTRIES
    return {"and more": left_out} if left_out > 0 else {}


def _cut(value: Any) -> Any:
    """A JSON-like value with its texts shortened; bytes that are not UTF-8 are escaped."""
    if isinstance(value, dict):
        return {_cut(name): _cut(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_cut(entry) for entry in value]
    if not isinstance(value, str):
        return value
    text = value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()
