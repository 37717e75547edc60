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


def rendered(after_ms: int) -> str:
    return f"<script>setTimeout(() => document.body.append('Seen'), {after_ms})</script>"


ICON = {"/favicon.ico": whole(b"", pages.CLOSE)}
GONE = whole(b"gone", pages.CLOSE, status="404 Not Found")
LOGIN = whole(b"{}", pages.CLOSE, status="401 Unauthorized")
# The page, its other files, the settings of web, and the cause that web.page-slow reports (None: clear).
LOOKS: dict[str, tuple[str, dict[str, bytes], dict[str, Any], str | None]] = {
    "late": (rendered(1200), ICON, {}, "slow-first-paint"),
    "early": (rendered(300), ICON, {}, None),
    "blank": ("", ICON, {}, "slow-first-paint"),
    "no-icon": ("<h1>Seen</h1>", {"/favicon.ico": GONE}, {}, None),
    "before-login": ("<h1>Seen</h1><script>fetch('/me')</script>", ICON | {"/me": LOGIN}, {}, None),
    "missing": ("<h1>Seen</h1><script>fetch('/part')</script>", ICON | {"/part": GONE}, {}, "script-error"),
    "ignored": ("<h1>Seen</h1><script>fetch('/part')</script>", ICON | {"/part": GONE}, {"ignore": ["/part$"]}, None),
    "throws": ("<h1>Seen</h1><script>throw Error('no root')</script>", ICON, {}, "script-error"),
}


@needs_chromium
def test_late_paint_is_found_and_expected_errors_are_not(tmp_path: Path) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="t"))
        systems = {}
        for name, (body, files, web, _) in LOOKS.items():
            server = stack.enter_context(FakeServer(pages.serving({"/": pages.page(body), **files})))
            settings = front(server.url) | {"web": {"first_paint_ms": 900, "load_ms": 4000, **web}}
            settings["symptoms"] = {"web.page-slow": {"deadline_s": 50}}
            systems[name] = settings
        ran = check(tmp_path, systems, "-k", "browser", variables={"TMPDIR": folder}, timeout_s=240)
    got = {name: outcomes(ran.of(name))["web.page-slow"] for name in LOOKS}
    assert got == {name: f"found:{cause}" if cause else "clear" for name, (*_, cause) in LOOKS.items()}
    [missing] = ran.of("missing")["web.page-slow"]["findings"]
    assert missing["seen"].endswith("/part"), missing["seen"]
    [blank] = ran.of("blank")["web.page-slow"]["findings"]
    assert "the page is blank after" in blank["seen"]
