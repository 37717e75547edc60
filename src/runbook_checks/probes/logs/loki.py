"""Which entries does Grafana Loki hold for a window of time?

Loki HTTP API, 'Query logs within a range of time'. What is asked for is narrowed by a filter on lines, so that an
ordinary day's entries need not cross the network; that the streams are there at all is asked beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.http.json_api import document, malformed
from runbook_checks.probes.http.rate_limits import patiently
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
LEVEL_LABELS = ("level", "detected_level", "severity")
NS = 1_000_000_000


class Loki:
    """One Loki. NoReading kinds: no-stream (a selector finds nothing in the time in which there must be something),
    http-STATUS with Loki's own words, malformed-answer, and those of probes.http.client.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def read(
        self, selectors: Sequence[str], line_filter: str, *, since: float, until: float, alive_s: float
    ) -> LogReading:
        """The entries of all selectors that pass the filter, oldest first.

        selectors    such as {service="api"}; each must have an entry within alive_s before `until`
        line_filter  LogQL's, such as |~ "(?i)error"
        """
        entries: list[Entry] = []
        complete = True
        for selector in selectors:
            self._require(selector, until - alive_s, until)
            found, is_whole = self._entries(f"{selector} {line_filter}".strip(), since, until)
            entries += found
            complete = complete and is_whole
        entries.sort(key=lambda entry: entry.time)
        times = [entry.time for entry in entries]
        return LogReading(entries, min(times, default=None), max(times, default=None), complete, is_alive=True)

    def close(self) -> None:
        self._http.close()

    def _require(self, selector: str, since: float, until: float) -> None:
        if not self._ask(selector, int(since * NS), int(until * NS), 1):
            reason = f"no stream {selector} has an entry of the last {(until - since) / 60:.0f} min"
            raise NoReading(RESOURCE, reason, kind="no-stream", evidence={"selector": selector})

    def _entries(self, query: str, since: float, until: float) -> tuple[list[Entry], bool]:
        """Newest first, page by page; entries of one moment may fall on both sides of a page's end."""
        begin, end = int(since * NS), int(until * NS) + 1
        seen: dict[tuple[int, str, str], Entry] = {}
        while True:
            page = self._ask(query, begin, end, PAGE)
            fresh = {key: entry for key, entry in page if key not in seen}
            seen |= fresh
            if len(page) < PAGE:
                return list(seen.values()), True
            if len(seen) >= MOST or not fresh:
                return list(seen.values()), False
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


def _entries_of(told: dict[str, Any]) -> list[tuple[tuple[int, str, str], Entry]]:
    data = told["data"]
    if told["status"] != "success" or data["resultType"] != "streams":
        raise ValueError(data["resultType"])
    found = []
    for stream in data["result"]:
        labels: dict[str, Any] = stream["stream"]
        usual = next((str(labels[name]) for name in LEVEL_LABELS if labels.get(name)), "")
        for stamp, line, *more in stream["values"]:
            own = more[0].get("structuredMetadata", {}) if more and isinstance(more[0], dict) else {}
            level = next((str(own[name]) for name in LEVEL_LABELS if own.get(name)), usual)
            key = (int(stamp), str(sorted(labels.items())), str(line))
            found.append((key, entry_at(int(stamp) / NS, str(line), level)))
    return found
