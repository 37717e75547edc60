"""Read JSON objects from a provider's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.http.rate_limits import patiently

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Answer, Http

MAX_SAID = 120


def document(answer: Answer, resource: str) -> dict[str, Any]:
    """The JSON object of an answer; NoReading for anything else."""
    found = answer.json()
    if not isinstance(found, dict):
        raise malformed(resource, answer, "is not a JSON object")
    return found


def malformed(resource: str, answer: Answer, what: str) -> NoReading:
    return NoReading(resource, f"{answer.url}: the HTTP {answer.status} answer {what}", kind="malformed-answer")


def said(text: object) -> str:
    """Text from an API, shortened to one line."""
    return one_line(str(text), MAX_SAID)


class Api:
    """A JSON API below one address, with a key in its headers."""

    def __init__(self, http: Http, resource: str) -> None:
        self.http, self.resource = http, resource

    def get(self, path: str) -> Answer:
        return patiently(lambda: self.http.get(path, fresh=True, even_limited=True), self.resource)

    def close(self) -> None:
        self.http.close()
