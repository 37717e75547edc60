"""Does a visit in Chromium tell what happened in the page, end in time, and leave nothing behind?"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from probes.browser import NAMES, Request, visit
from probes.deadline import Deadline, current
from probes.journal import Reading
from probes.reading import NoReading
from tests.probes.conftest import taking
from tests.probes.test_assets import page, site

if TYPE_CHECKING:
    from pathlib import Path

HERE = any(map(shutil.which, NAMES))
needs_chromium = pytest.mark.skipif(not HERE, reason="there is no Chromium on PATH")


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@needs_chromium
def test_a_visit_tells_times_errors_and_shows_the_page(entries: list[Reading]) -> None:
    files = {
        "/": page("<h1>Seen</h1><script src=/a.js></script>"),
        "/a.js": ("text/javascript", b"fetch('/gone'); throw new Error('by design')"),
        "/favicon.ico": ("image/x-icon", b""),
    }
    with site(files) as url:
        seen = visit(Request(url + "/", 40))
    assert seen.status == 200
    assert seen.first_paint_ms is not None
    assert seen.load_ms is not None
    assert any("by design" in error for error in seen.errors)
    assert any("404" in error for error in seen.errors)
    assert seen.screenshot.startswith(b"\x89PNG")
    assert entries[-1].pictures == {"screenshot": seen.screenshot}
    assert "screenshot" not in str(entries[-1].facts)


@needs_chromium
def test_headers_of_ours_go_to_the_pages_own_origin_alone() -> None:
    own: list[dict[str, str]] = []
    foreign: list[dict[str, str]] = []
    with site({"/a.js": ("text/javascript", b"1")}, foreign) as other:
        files = {"/": page(f"<script src=/own.js></script><script src={other}/a.js></script>")}
        with site(files, own) as url:
            visit(Request(url + "/", 40, agent="checks/1 run=7", headers={"X-Gateway": "s3cret-gateway-token"}))
    assert own
    assert foreign
    assert all("s3cret-gateway-token" in headers.values() for headers in own)
    assert not any("s3cret-gateway-token" in headers.values() for headers in foreign)
    assert all("run=7" in headers["user-agent"] for headers in (*own, *foreign))


@needs_chromium
def test_nobody_there_is_no_reading() -> None:
    with pytest.raises(NoReading) as gone:
        visit(Request("http://127.0.0.1:9/", 30))
    assert gone.value.kind == "no-answer"
    assert "ERR_CONNECTION_REFUSED" in gone.value.reason or "ERR_UNSAFE_PORT" in gone.value.reason


@needs_chromium
def test_the_deadline_ends_it_and_every_process_of_it() -> None:
    before = children()
    with site({"/": ("silence", b"")}) as url:
        token = current.set(Deadline(4))
        try:
            with taking(8), pytest.raises(NoReading):
                visit(Request(url + "/", 60))
        finally:
            current.reset(token)
    end = time.monotonic() + 10
    while children() - before and time.monotonic() < end:
        time.sleep(0.1)
    assert children() - before == set()


def test_without_chromium_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("probes.browser.TOOLBOX", tmp_path)
    with pytest.raises(NoReading) as gone:
        visit(Request("http://127.0.0.1:9/", 30))
    assert gone.value.kind == "missing-tool"
    assert "Chromium" in gone.value.reason
