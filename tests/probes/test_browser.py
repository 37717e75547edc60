"""A visit in Chromium reports what happened in the page, ends in time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.isolated import run_isolated
from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.net.far_ends import FarEnds
from runbook_checks.probes.web.browser import _home, visit
from runbook_checks.probes.web.browser_session import MAX_MEMORY, Look, _look, _started
from runbook_checks.probes.web.chromium import Request, find
from tests.harness import PROJECT
from tests.misbehaving import pages
from tests.misbehaving.http import whole
from tests.misbehaving.server import REGISTRY, FakeServer, Visit, refusing_port
from tests.probes.conftest import HERE, only, taking
from tests.probes.test_assets import page, site

if TYPE_CHECKING:
    from collections.abc import Iterator


def has_chromium() -> bool:
    try:
        find()
    except NoReading:
        return False
    return True


needs_chromium = pytest.mark.skipif(not has_chromium(), reason="Chromium is not on PATH or in .toolbox")


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No process and no file of a browser remains after the visit."""
    tmp_path_factory.getbasetemp()  # pytest's own folder stays in place
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield
        assert not list(Path(folder).iterdir())
        assert not [pid for pid in psutil.pids() if folder in environment(pid)]


def environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text("utf-8", "replace")
    except OSError:
        return ""


@needs_chromium
def test_visit_reports_times_and_errors_and_has_a_screenshot(entries: list[Reading]) -> None:
    files = {
        "/": page("<h1>Seen</h1><script src=/a.js></script>"),
        "/a.js": ("text/javascript", b"fetch('/gone'); throw new Error('by design')"),
        "/favicon.ico": ("image/x-icon", b""),
    }
    with site(files) as url:
        seen = visit(Request(url + "/", 40))
    assert seen.status == 200
    assert seen.visits == 2
    assert seen.first_paint_ms is not None
    assert seen.load_ms is not None
    assert any("by design" in error for error in seen.errors)
    assert any("404" in error for error in seen.errors)
    assert seen.screenshot.startswith(b"\x89PNG")
    assert entries[-1].pictures == {"screenshot": seen.screenshot}
    assert "screenshot" not in str(entries[-1].facts)


@needs_chromium
def test_configured_headers_are_sent_only_to_the_page_s_own_origin() -> None:
    """Not to the target of a redirect either; responses of other origins to the page are not affected."""
    own: list[bytes] = []
    foreign: list[bytes] = []
    with FakeServer(pages.serving({"*": pages.page("2")}, foreign)) as other:
        away = whole(b"", f"Location: {other.url}/away", pages.CLOSE, status="307 Temporary Redirect")
        put = f"fetch('{other.url}/called', {{method: 'PUT'}})"
        begin = f"<script>fetch('/away', {{method: 'POST'}}); {put}; new Worker('/w.js')</script>"
        said: dict[str, pages.Said] = {
            "/": pages.page(begin, f"<script src=/away></script><script src={other.url}/a.js></script>"),
            "/away": away,
            "/w.js": whole(b"fetch('/by-worker')", pages.SCRIPT, pages.CLOSE),
        }
        with FakeServer(pages.serving(said, own)) as server:
            seen = visit(
                Request(server.url + "/", 40, agent="checks/1 run=7", headers={"X-Gateway": "s3cret-gateway-token"})
            )
    paths = {request.split(b" ")[1] for request in own}
    assert {b"/", b"/away", b"/w.js", b"/by-worker"} <= paths
    assert all(b"X-Gateway: s3cret-gateway-token" in request for request in own)
    assert {request.split(b" ")[1] for request in foreign} == {b"/away", b"/called", b"/a.js"}
    assert not any(b"s3cret-gateway-token" in request for request in foreign)
    assert not any(request.startswith(b"PUT") for request in foreign), "its preflight was not allowed"
    assert any("blocked by CORS policy" in error for error in seen.errors)
    assert all(b"run=7" in request for request in (*own, *foreign))


@needs_chromium
@pytest.mark.parametrize("is_allowed", [False, True])
def test_page_cannot_make_the_browser_connect_to_internal_addresses(is_allowed: bool) -> None:
    """The internal server records requests: for a picture, a script, a frame, a socket, a redirect, by any name."""
    inner: list[bytes] = []
    with FakeServer(pages.serving({"*": whole(b"", pages.CLOSE)}, inner), "127.0.0.2") as other:
        there = (f"127.0.0.2:{other.port}", f"2130706434:{other.port}", f"[::ffff:127.0.0.2]:{other.port}")
        parts = "".join(f"<img src=http://{at}/{number}>" for number, at in enumerate(there))
        parts += f"<script src=http://{there[0]}/script></script><iframe src=http://{there[0]}/frame></iframe>"
        parts += f"<script>new WebSocket('ws://{there[0]}/socket'); fetch('/away', {{mode: 'no-cors'}})</script>"
        away = whole(b"", f"Location: http://{there[0]}/away", pages.CLOSE, status="307 Temporary Redirect")
        with FakeServer(pages.serving({"/": pages.page("<h1>Seen</h1>", parts), "/away": away}, [])) as server:
            asked = Request(server.url + "/", 40, far_ends=HERE if is_allowed else FarEnds())
            seen = visit(asked)
    paths = {request.split(b" ")[1] for request in inner}
    if is_allowed:
        assert {b"/0", b"/1", b"/script", b"/frame", b"/socket", b"/away"} <= paths
        assert seen.refused == ()
    else:
        assert paths == set()
        assert any("127.0.0.2" in why and "far_ends.allow" in why for why in seen.refused)
        assert not any("SOCKS" in error for error in seen.errors)


@needs_chromium
def test_browser_has_no_secret_and_runs_in_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """According to /proc for every process of Chromium while the page is open."""
    monkeypatch.setenv("PAYMENTS_TOKEN", "s3cret-of-payments")
    lines: list[str] = []
    seen: list[str] = []

    def watched(visit: Visit) -> None:
        visit.request()
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                lines.append(" ".join(process.cmdline()))
                seen.append(environment(process.pid))
        visit.say(pages.page("<h1>Seen</h1>"))

    with FakeServer(watched) as server:
        visit(Request(server.url + "/", 40))
    assert any("--type=renderer" in line or "--type=zygote" in line for line in lines)
    assert not any("s3cret-of-payments" in variables for variables in seen)
    assert any("--no-sandbox" in line for line in lines) == (os.geteuid() == 0)


# The result of one visit: the status, whether it loaded and whether something was painted; or the kind of NoReading.
SOME: dict[str, tuple[int, bool, bool] | str] = {
    "page.alerts": (200, True, True),
    "page.downloads-at-once": "no-answer",
    "page.lies": (200, True, True),
    "page.opens-windows": (200, True, True),
    "page.shouts": (200, True, True),
    "page.cut-off": (200, False, True),
    "http.silent": "no-answer",
    "closed": "no-answer",
    "page.loops": (200, False, False),
    "page.hangs": (200, False, False),
    "page.hangs-once-loaded": "page-hangs",
}
OTHERS: dict[str, tuple[int, bool, bool] | str] = {
    "page.asks-for-a-login": "no-answer",
    "page.begs": (200, True, True),
    "page.empties": "no-answer",
    "page.garbled": (200, True, True),
    "page.holds-on": (200, True, True),
    "page.moves-once": (200, True, True),
    "page.never-whole": (200, False, True),
    "page.redirects": "no-answer",
    "page.socket-hangs": (200, True, True),
    "page.takes-memory": (200, True, True),
    "page.worker-hangs": (200, True, True),
    "http.garbage": "no-answer",
}
TOLD = SOME | (OTHERS if os.environ.get("EVERY_PAGE") else {})  # all of them when run by hand
QUICK_S, LONG_S = 5.0, 20.0  # for pages that never finish; for pages that do


def summary(look: Look | NoReading) -> object:
    if isinstance(look, NoReading):
        return look.kind
    return look.status, look.load is not None, look.paint is not None


def seconds_for(name: str) -> float:
    return LONG_S if TOLD[name] in ((200, True, True), "no-answer") and name != "http.silent" else QUICK_S


def look_at_each(urls: dict[str, str], home: str) -> dict[str, tuple[Look | NoReading, float]]:
    """Visit each page once, all in one browser, in a separate process; return results and durations."""
    import resource

    async def each() -> dict[str, tuple[Look | NoReading, float]]:
        browser = await _started(find(), Request("about:blank", 60.0), home, "browser")
        seen: dict[str, tuple[Look | NoReading, float]] = {}
        for name, url in urls.items():
            seconds, begun = seconds_for(name), time.monotonic()
            current.set(Deadline(seconds))
            try:
                look: Look | NoReading = await _look(browser, Request(url, seconds), "browser")
            except NoReading as gone:
                look = gone
            seen[name] = look, time.monotonic() - begun
        return seen

    os.environ["TMPDIR"] = home
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    return asyncio.run(each())


@needs_chromium
def test_no_page_blocks_the_browser_or_causes_a_wrong_result() -> None:
    with ExitStack() as stack:
        urls = {name: stack.enter_context(FakeServer(REGISTRY[name])).url + "/" for name in TOLD if name in REGISTRY}
        urls["closed"] = f"http://127.0.0.1:{stack.enter_context(refusing_port())}/"
        home = stack.enter_context(_home())
        seen = run_isolated(look_at_each, urls, home, resource="browser", timeout_s=120, memory=None)
        assert not (Path(home) / "Downloads").exists()
    for name, wanted in TOLD.items():
        look, took_s = seen[name]
        assert summary(look) == wanted, f"{name}: {look}"
        assert took_s < seconds_for(name) + 0.5, f"{name}: {took_s:.1f} s"
        for error in look.errors if isinstance(look, Look) else [str(look)]:
            assert error.isprintable()
            assert len(error) <= 300
    shouting, looping, closed = (seen[name][0] for name in ("page.shouts", "page.loops", "closed"))
    assert isinstance(shouting, Look)
    assert len(shouting.errors) == 2
    assert isinstance(looping, Look)
    assert looping.screenshot, "its script was stopped"
    assert "ERR_CONNECTION_REFUSED" in str(closed)


@needs_chromium
def test_flooded_console_is_reported_in_time() -> None:
    with FakeServer(REGISTRY["page.floods-the-console"]) as server, only(7), taking(7.5):
        try:
            reported = visit(Request(server.url + "/", 60)).errors
        except NoReading as gone:  # on a busy machine
            reported = (gone.reason,) * 10
    assert len(reported) == 10


def test_no_process_of_the_browser_survives_it() -> None:
    """Not even one that left the process group and ignores signals."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    with _home() as home:
        variables, words = os.environ | {"HOME": home}, [sys.executable, "-c", deaf]
        process = subprocess.Popen(words, env=variables, start_new_session=True, stdout=subprocess.PIPE)
        (Path(home) / "profile").mkdir()
        assert process.stdout is not None
        process.stdout.read(1)
    assert not psutil.pid_exists(process.pid)
    process.communicate()
    assert not Path(home).exists()


def test_missing_chromium_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("runbook_checks.probes.web.chromium.TOOLBOX", tmp_path)
    with pytest.raises(NoReading) as gone:
        visit(Request("http://127.0.0.1:9/", 30))
    assert gone.value.kind == "missing-tool"
    assert "Chromium" in gone.value.reason


ALONE = ("unshare", "--user", "--map-user=12345", "--map-group=12345", "--keep-caps")
VISITS = """
import sys
from runbook_checks.probes.web.browser import visit
from runbook_checks.probes.web.chromium import Request
from runbook_checks.probes.core.reading import NoReading
try:
    print(visit(Request(sys.argv[1], 40)).status)
except NoReading as gone:
    print(gone.kind, gone.reason)
"""


@needs_chromium
@pytest.mark.parametrize("has_namespaces", [True, False])
def test_unprivileged_browser_runs_in_a_sandbox_or_names_what_is_missing(
    has_namespaces: bool,
) -> None:
    """As a user of a separate namespace, whose kernel allows or forbids further ones."""
    if subprocess.run([*ALONE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user cannot create a user namespace")
    lines: list[str] = []

    def watched(visit: Visit) -> None:
        visit.request()
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                lines.append(" ".join(process.cmdline()))
        visit.say(pages.page("<h1>Seen</h1>"))

    forbid = "" if has_namespaces else "echo 0 > /proc/sys/user/max_user_namespaces;"
    home = tempfile.gettempdir()
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), "HOME": home, "TMPDIR": home}
    with FakeServer(watched) as server:
        words = [*ALONE, "sh", "-c", f'{forbid} exec "$@"', "sh", sys.executable, "-c", VISITS, server.url + "/"]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False, timeout=120)
    if has_namespaces:
        assert done.stdout.strip() == "200", done.stdout + done.stderr
        assert any("--type=renderer" in line for line in lines)
        assert not any("--no-sandbox" in line for line in lines)
    else:
        assert done.stdout.startswith("not-started"), done.stdout + done.stderr
        assert "web.browser_sandbox: false" in done.stdout
        assert lines == []
