"""Request a page and everything that it refers to: scripts, styles, images, fonts and its manifest.

The walk is limited in files, bytes and time; the result lists what was not requested.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.web.linked_files import Kind, Reference, in_css, in_html, in_manifest, parsed_manifest

if TYPE_CHECKING:
    from runbook_checks.probes.core.deadline import Deadline
    from runbook_checks.probes.http.client import Answer, Http

AT_ONCE = 6  # as many as a browser opens to one host


@dataclass(frozen=True)
class Limits:
    """How many files, bytes and seconds."""

    number: int = 200
    bytes: int = 32 << 20
    seconds: float = 15.0


@dataclass(frozen=True)
class Asset:
    """One file that is referred to, and the response of its address."""

    url: str
    kind: Kind
    referred_by: str
    status: int
    content_type: str  # in lower case, without parameters; empty without the header
    is_html: bool  # by its content, whatever the header says
    is_json: bool | None  # whether a manifest is JSON; None for other kinds


@dataclass
class PageLook:
    """A page and its files."""

    page: Answer
    assets: list[Asset] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)  # of other origins
    unseen: dict[str, NoReading] = field(default_factory=dict)  # address: why there is no response
    cut: list[str] = field(default_factory=list)  # not requested, because of a limit


def look(http: Http, path: str, others: Mapping[str, Http], limits: Limits) -> PageLook:
    """The page at a path and everything it refers to, through style sheets and the manifest too.

    others  a client for each further origin ("https://cdn.example.com"); files of other origins are not requested

    NoReading kinds: Http's own, of the page itself.
    """
    page = http.get(path)
    found = PageLook(page)
    if page.status != 200 or not page.is_html:
        return found
    with reading(f"files that {page.url} refers to") as facts:
        _Walk(http, others, limits, found).through(in_html(page.text, page.url))
        facts.update(
            looked_at=len(found.assets), elsewhere=found.elsewhere, cut=found.cut, no_answer=sorted(found.unseen)
        )
    return found


class _Walk:
    """Follows references with some threads, each address once."""

    def __init__(self, http: Http, others: Mapping[str, Http], limits: Limits, found: PageLook) -> None:
        self._services = {_origin(found.page.url): http, **others}
        self._limits, self._found = limits, found
        self._deadline: Deadline = within(limits.seconds)
        self._waiting: deque[tuple[Reference, str]] = deque()
        self._seen: set[str] = set()
        self._bytes = self._busy = 0
        self._failures: list[BaseException] = []
        self._changed = threading.Condition()

    def through(self, references: list[Reference]) -> None:
        self._note(references, self._found.page.url)
        work: Callable[[], None] = self._work
        threads = [threading.Thread(target=copy_context().run, args=(work,), daemon=True) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]
        self._found.assets.sort(key=lambda asset: asset.url)

    def _note(self, references: list[Reference], by: str) -> None:
        for reference in references:
            if reference.url in self._seen:
                continue
            self._seen.add(reference.url)
            if _origin(reference.url) not in self._services:
                self._found.elsewhere.append(reference.url)
            else:
                self._waiting.append((reference, by))

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            more: list[Reference] = []
            try:
                more = self._look_at(*taken)
            except Exception as error:
                self._failures.append(error)
            finally:
                with self._changed:
                    self._note(more, taken[0].url)
                    self._busy -= 1
                    self._changed.notify_all()

    def _take(self) -> tuple[Reference, str] | None:
        with self._changed:
            while True:
                self._cut_what_is_too_much()
                if self._waiting:
                    self._busy += 1
                    return self._waiting.popleft()
                if not self._busy:
                    return None
                self._changed.wait()

    def _cut_what_is_too_much(self) -> None:
        looked_at = len(self._found.assets) + len(self._found.unseen) + self._busy
        is_over = looked_at >= self._limits.number or self._bytes >= self._limits.bytes or self._deadline.expired
        if is_over and self._waiting:
            self._found.cut += [reference.url for reference, _ in self._waiting]
            self._waiting.clear()

    def _look_at(self, reference: Reference, by: str) -> list[Reference]:
        try:
            answer = self._services[_origin(reference.url)].get(reference.url)
        except NoReading as gone:
            with self._changed:
                self._found.unseen[reference.url] = gone
            return []
        manifest = parsed_manifest(answer.text) if reference.kind == "manifest" else None
        with self._changed:
            self._bytes += len(answer.body)
            self._found.assets.append(_asset(reference, by, answer, manifest))
        if answer.status == 200 and reference.kind == "style":
            return in_css(answer.text, answer.url)
        return in_manifest(manifest, answer.url) if manifest is not None else []


def _asset(reference: Reference, by: str, answer: Answer, manifest: object) -> Asset:
    written = (answer.headers.get("content-type") or "").partition(";")[0].strip().lower()
    is_json = isinstance(manifest, dict) if reference.kind == "manifest" else None
    return Asset(reference.url, reference.kind, by, answer.status, written, answer.is_html, is_json)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
