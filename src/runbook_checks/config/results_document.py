"""The results document as it is read again, as a baseline and by the monitor: the keys that these read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict, cast

JSON: TypeAlias = "str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None"
SCHEMA = 1


class DocumentFinding(TypedDict):
    """A finding in the document."""

    subject: str | None
    severity: str
    cause: str | None
    explained_by: str | None
    seen: str


class DocumentResult(TypedDict):
    """A result in the document."""

    symptom: str
    system: str
    severity: str
    outcome: str
    findings: list[DocumentFinding]
    reason: str | None
    resource: str | None
    explained_by: str | None


class Document(TypedDict):
    """The whole document."""

    run: dict[str, Any]
    counts: dict[str, int]
    roots: list[str]
    results: list[DocumentResult]


def as_document(value: object) -> Document | None:
    """A value that was read from JSON, if it is a results document of our schema."""
    is_one = isinstance(value, dict) and value.get("schema") == SCHEMA and "results" in value
    return cast("Document", value) if is_one else None
