"""The shape of a results document: what a run writes, and a baseline and the monitor read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict, cast

JSON: TypeAlias = "str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None"
SCHEMA = 1


class Remarks(TypedDict, total=False):
    """What a finding or result has only where there is something to say."""

    not_counted: str
    candidates: list[dict[str, str]]
    ruled_out: list[dict[str, str]]


class DocumentFinding(Remarks):
    """A finding in the document."""

    subject: str | None
    severity: str
    cause: str | None
    explained_by: str | None
    seen: str
    wanted: str
    because: str
    remedy: Sequence[str]
    evidence: Mapping[str, JSON]


class DocumentResult(Remarks):
    """A result in the document."""

    symptom: str
    system: str
    severity: str
    outcome: str
    check: str
    duration_s: float
    attempts: int
    findings: list[DocumentFinding]
    reason: str | None
    resource: str | None
    explained_by: str | None


class Document(TypedDict):
    """The whole document."""

    schema: int
    run: dict[str, Any]
    counts: dict[str, int]
    roots: list[str]
    checklist: dict[str, Any] | None
    results: list[DocumentResult]


def as_document(value: object) -> Document | None:
    """A value that was read from JSON, if it is a results document of our schema."""
    is_one = isinstance(value, dict) and value.get("schema") == SCHEMA and "results" in value
    return cast("Document", value) if is_one else None
