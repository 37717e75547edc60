"""Read entries of a time window from Grafana Loki (HTTP API, 'Query logs within a range of time').

A filter keeps entries that can't be errors from crossing the network; whether the streams exist is a query of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.http.json_api import document, malformed
from runbook_checks.probes.http.rate_limits import patiently
from runbook_checks.probes.logs import levels
from runbook_checks.probes.logs.file import LogReading
from runbook_checks.probes.logs.lines import Entry, entry_at
from runbook_checks.probes.logs.rotation import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.probes.http.client import Http

PATH = "/loki/api/v1/query_range"
PAGE = 1000
MOST = 20_000
MAX_BODY = 16 << 20
# OpenTelemetry's, as the writer set them, have priority over a line's text; Loki's guess has none.
CERTAIN_LABELS = ("severity_text", "severity_number")
LEVEL_LABELS = ("level", "severity")
GUESSED_LABELS = ("detected_level",)
_GRAVE = '"(?i)(err|error|fatal|crit|critical|panic|alert|emerg|emergency|severe|[56]0)"'
# Entries whose level stands beside the line, where a filter on lines does not see it.
GRAVE_BESIDE = "| " + " or ".join(
    (
        *(f"{name}=~{_GRAVE}" for name in ("severity_text", *LEVEL_LABELS, *GUESSED_LABELS)),
        'severity_number=~"1[7-9]|2[0-4]"',
    )
)
NS = 1_000_000_000


class Loki:
    """A Loki server.

    NoReading kinds: no-stream (a selector finds nothing where there must be something), http-STATUS with Loki's own
    message, malformed-answer, and those of probes.http.client.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def read(self, selectors: Sequence[str], *filters: str, since: float, until: float, alive_s: float) -> LogReading:
        """The entries of all selectors that pass one of the filters, oldest first.

        selectors  such as {service="api"}; each must have an entry within alive_s before `until`
        filters    LogQL's, such as |~ "(?i)error"
        """
        entries: list[Entry] = []
        complete = True
        for selector in selectors:
            self._require(selector, until - alive_s, until)
            seen: dict[tuple[int, str, str], Entry] = {}
            for one in filters:
                found, is_whole = self._entries(f"{selector} {one}".strip(), since, until)
                seen |= found
                complete = complete and is_whole
            entries += seen.values()
        entries.sort(key=lambda entry: entry.time)
        times = [entry.time for entry in entries]
        return LogReading(entries, min(times, default=None), max(times, default=None), complete, is_alive=True)

    def close(self) -> None:
        self._http.close()

    def _require(self, selector: str, since: float, until: float) -> None:
        if not self._ask(selector, int(since * NS), int(until * NS), 1):
            reason = f"no stream {selector} has an entry of the last {(until - since) / 60:.0f} min"
            raise NoReading(RESOURCE, reason, kind="no-stream", evidence={"selector": selector})

    def _entries(self, query: str, since: float, until: float) -> tuple[dict[tuple[int, str, str], Entry], bool]:
        """Newest first, page by page; entries of one moment may be on both sides of a page's end."""
        begin, end = int(since * NS), int(until * NS) + 1
        seen: dict[tuple[int, str, str], Entry] = {}
        while True:
            page = self._ask(query, begin, end, PAGE)
            fresh = {key: entry for key, entry in page if key not in seen}
            seen |= fresh
            if len(page) < PAGE:
                return seen, True
            if len(seen) >= MOST or not fresh:
                return seen, False
            end = min(key[0] for key, _ in page) + 1

    def _ask(self, query: str, begin: int, end: int, limit: int) -> list[tuple[tuple[int, str, str], Entry]]:
        asked = {"query": query, "start": begin, "end": end, "limit": limit, "direction": "backward"}
        with reading(f"LogQL {one_line(query, 100)}") as facts:
            path = f"{PATH}?{urlencode(asked)}"
            answer = patiently(lambda: self._http.get(path, fresh=True, even_limited=True), RESOURCE)
            if answer.status != 200:
                words = one_line(answer.text, 160) or "no reason given"
                reason = f"{answer.url.partition('?')[0]} answers HTTP {answer.status}: {words}"
                raise NoReading(RESOURCE, reason, kind=f"http-{answer.status}", evidence={"status": answer.status})
            try:
                found = list(_entries_of(document(answer, RESOURCE)))
            except (KeyError, TypeError, ValueError, AttributeError):
                raise malformed(RESOURCE, answer, "holds no streams") from None
            facts["entries"] = len(found)
            return found


def _entries_of(answer: dict[str, Any]) -> list[tuple[tuple[int, str, str], Entry]]:
    data = answer["data"]
    if answer["status"] != "success" or data["resultType"] != "streams":
        raise ValueError(data["resultType"])
    found = []
    for stream in data["result"]:
        labels: dict[str, Any] = stream["stream"]
        for stamp, line, *more in stream["values"]:
            own = more[0].get("structuredMetadata", {}) if more and isinstance(more[0], dict) else {}
            key = (int(stamp), str(sorted(labels.items())), str(line))
            beside = _level((own, labels), LEVEL_LABELS) or _level((own, labels), GUESSED_LABELS)
            certain = _level((own, labels), CERTAIN_LABELS)
            found.append((key, entry_at(int(stamp) / NS, str(line), beside, certain)))
    return found


def _level(places: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """The level of the first place with one of the labels that is understood."""
    given = ((name, str(place[name])) for place in places for name in names if place.get(name))
    return next((level for name, value in given if (level := levels.of_label(name, value))), "")
