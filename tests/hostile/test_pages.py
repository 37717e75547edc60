"""A front page that hangs, and one that sends our headers to another host: reported in time, without leaks."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT
from tests.hostile.product import TOKEN, check, describe, http, must_be_orderly, outcomes
from tests.misbehaving import pages
from tests.misbehaving.http import whole
from tests.misbehaving.server import REGISTRY, FakeServer
from tests.probes.test_browser import needs_chromium

if TYPE_CHECKING:
    from tests.hostile.product import Settings


def front(url: str) -> Settings:
    more: dict[str, Any] = {"web": {"load_ms": 1000}, "symptoms": {"web.page-slow": {"deadline_s": 15}}}
    settings = http(url, runbook=str(PROJECT / "runbooks" / "aura-flow.yaml"), **more)
    return {name: value for name, value in settings.items() if name not in ("webhook", "openapi")}


@needs_chromium
def test_pages(tmp_path: Path) -> None:
    elsewhere: list[bytes] = []
    with ExitStack() as stack:
        thief = stack.enter_context(FakeServer(pages.serving({"*": pages.page("<h1>Got it</h1>")}, elsewhere)))
        away = whole(b"", f"Location: {thief.url}/", pages.CLOSE, status="302 Found")
        leading_away = stack.enter_context(FakeServer(pages.serving({"*": away})))
        hanging = stack.enter_context(FakeServer(REGISTRY["page.hangs"]))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="t"))
        systems = {"hanging": front(hanging.url), "leading-away": front(leading_away.url)}
        ran = check(tmp_path, systems, "-k", "browser", variables={"TMPDIR": folder})
        left = list(Path(folder).glob("checks-browser-*"))
    must_be_orderly(ran, deadline_s=15)
    assert outcomes(ran.of("hanging")) == {"web.page-slow": "found:slow-load"}, describe(ran.of("hanging"))
    assert elsewhere, describe(ran.of("leading-away"))
    assert not any(TOKEN.encode() in request for request in elsewhere)
    assert not left
