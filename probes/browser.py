"""How does a page fare in a real browser: when is something seen, when is it loaded, what fails in it?

Chromium without a window, driven by playwright; both are optional parts. It runs apart, in processes that end with
the deadline, as a new user each time, and asks nobody but the page's own hosts.
"""

from __future__ import annotations

import base64
import html
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.apart import apart
from probes.deadline import current
from probes.journal import picture, reading
from probes.reading import NoReading, one_line

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TOOLBOX = Path(__file__).resolve().parent.parent / ".toolbox"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # the sandbox needs privileges that root in a container doesn't have, and refuses root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36 {own}"
VISITS = 2
SETTLE_MS = 300
MOST_ERRORS = 10
MAX_ERROR = 200
RETURN_S = 2.0
LEAST_S = 3.0  # with less left, no further visit is begun
FONTS = """<?xml version="1.0"?>
<fontconfig>{folders}<cachedir>{cache}</cachedir></fontconfig>
"""
TIMES = """() => {
  const entry = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const files = performance.getEntriesByType("resource").map((f) => [new URL(f.name).pathname, f.duration]);
  files.push([location.pathname, entry ? entry.responseEnd : 0]);
  return {load: entry ? entry.loadEventEnd : 0, paint: paint ? paint.startTime : null,
          slowest: files.sort((a, b) => b[1] - a[1])[0]};
}"""


@dataclass(frozen=True)
class Chromium:
    """The browser, and the environment it needs."""

    path: str
    environment: dict[str, str] = field(repr=False)
    fonts: tuple[str, ...] = ()  # folders to find some in, where the machine may have none


@dataclass(frozen=True)
class Request:
    """What is visited, and how its host is found and trusted."""

    url: str
    timeout_s: float
    address: str | None = None  # of the page's host, where the browser is not to look it up itself
    pinned_keys: tuple[str, ...] = ()  # SHA-256 in hex of public keys believed in beside the browser's own authorities
    agent: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # to the page's own origin alone


@dataclass(frozen=True)
class Visit:
    """The best of a few visits, and all the errors."""

    status: int
    first_paint_ms: float | None  # None: nothing was painted
    load_ms: float | None  # None: not loaded when the time was up
    errors: tuple[str, ...]  # of the console and of scripts, each once
    slowest: str  # path of the file that took longest
    slowest_ms: float
    visits: int
    version: str
    screenshot: bytes = field(repr=False)  # PNG


def find(resource: str = "browser") -> Chromium:
    """The machine's Chromium, else the one unpacked into .toolbox; NoReading missing-tool without either."""
    own = next(filter(None, map(shutil.which, NAMES)), None)
    if own is not None:
        return Chromium(own, dict(os.environ))
    root = TOOLBOX / "chromium"
    unpacked = root / "usr" / "lib" / "chromium" / "chromium"
    if unpacked.is_file():
        libraries = [path for place in ("usr/lib", "lib") for path in root.glob(f"{place}/**/*.so*")]
        folders = sorted({str(path.parent) for path in libraries})
        environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}
        return Chromium(str(unpacked), environment, (str(root / "usr" / "share" / "fonts"), "/usr/share/fonts"))
    what = "there is no Chromium on PATH or in .toolbox: install chromium, or run `make set-up` with a network"
    raise NoReading(resource, what, kind="missing-tool")


def visit(request: Request, resource: str = "browser") -> Visit:
    """The page at an address, visited a few times by new users; the best times count, for a machine may be busy.

    NoReading kinds: missing-tool (no Chromium, no playwright), not-started, no-answer (evidence: error), those of
    probes.apart.
    """
    chromium = find(resource)
    with reading(f"{request.url} in Chromium") as facts:
        seen: Visit = apart(
            _visit, chromium, request, resource, resource=resource, timeout_s=request.timeout_s, memory=None
        )
        facts.update(
            status=seen.status,
            first_paint_ms=seen.first_paint_ms,
            load_ms=seen.load_ms,
            errors=list(seen.errors),
            slowest=seen.slowest,
            slowest_ms=seen.slowest_ms,
            visits=seen.visits,
            chromium=seen.version,
        )
    picture("screenshot", seen.screenshot)
    return seen


def _visit(chromium: Chromium, request: Request, resource: str) -> Visit:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        what = "playwright is not installed: pip install 'runbook-checks[browser]'"
        raise NoReading(resource, what, kind="missing-tool") from None
    with tempfile.TemporaryDirectory(prefix="checks-browser-") as home, sync_playwright() as playwright:
        # Settings and caches of whoever runs us stay out of it, and its own don't stay behind.
        environment: dict[str, str | float | bool] = {
            **chromium.environment,
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_CACHE_HOME": home,
            **_fonts(chromium, home),
        }
        try:
            browser = playwright.chromium.launch(
                executable_path=chromium.path, args=_flags(request), env=environment, timeout=_left_ms(request)
            )
        except Error as error:
            what = f"{chromium.path} does not start: {one_line(str(error).split('Browser logs')[0], 160)}"
            raise NoReading(resource, what, kind="not-started") from None
        try:
            return _best(list(_looks(browser, request, resource)), browser.version)
        finally:
            browser.close()


def _fonts(chromium: Chromium, home: str) -> dict[str, str]:
    """Without a font no text is painted, and a first paint never comes."""
    if not chromium.fonts:
        return {}
    folders = "".join(f"<dir>{html.escape(folder)}</dir>" for folder in chromium.fonts)
    file = Path(home) / "fonts.conf"
    file.write_text(FONTS.format(folders=folders, cache=html.escape(f"{home}/fonts")))
    return {"FONTCONFIG_FILE": str(file)}


def _flags(request: Request) -> list[str]:
    from urllib.parse import urlsplit

    flags = list(FLAGS)
    if request.address is not None:
        address = f"[{request.address}]" if ":" in request.address else request.address
        flags.append(f"--host-resolver-rules=MAP {urlsplit(request.url).hostname} {address}")
    if request.pinned_keys:
        pins = ",".join(base64.b64encode(bytes.fromhex(key)).decode() for key in request.pinned_keys)
        flags.append(f"--ignore-certificate-errors-spki-list={pins}")
    return flags


@dataclass
class _Look:
    status: int = 0
    paint: float | None = None
    load: float | None = None
    slowest: str = ""
    slowest_ms: float = 0.0
    errors: list[str] = field(default_factory=list)
    screenshot: bytes = b""


def _looks(browser: Browser, request: Request, resource: str) -> Any:
    longest_s = LEAST_S
    for number in range(VISITS):
        begun = time.monotonic()
        if number and _left_ms(request) / 1000 < 1.5 * longest_s:
            return
        yield _look(browser, request, resource)
        longest_s = max(longest_s, time.monotonic() - begun)


def _look(browser: Browser, request: Request, resource: str) -> _Look:
    from playwright.sync_api import Error, TimeoutError

    look = _Look()
    own = AGENT.format(version=browser.version, own=request.agent).strip()
    context = browser.new_context(user_agent=own, viewport={"width": 1280, "height": 720})
    try:
        page = context.new_page()
        _listen(page, look, request)
        try:
            page.goto(request.url, wait_until="load", timeout=_left_ms(request) * 0.6)
            page.wait_for_timeout(SETTLE_MS)  # what scripts ask for at the end of loading, and the last paint
        except TimeoutError:
            if not look.status:
                raise _no_answer(request, "it did not answer in time", resource) from None
        except Error as error:
            raise _no_answer(request, str(error).partition("\n")[0], resource) from None
        times = page.evaluate(TIMES)
        look.paint, look.load = times["paint"], times["load"] or None
        look.slowest, look.slowest_ms = str(times["slowest"][0]), float(times["slowest"][1])
        look.screenshot = page.screenshot(timeout=_left_ms(request))
    finally:
        context.close()
    return look


def _listen(page: Page, look: _Look, request: Request) -> None:
    """Keep what fails while the page is loaded, and send our own headers to its own origin alone."""

    def note(text: str) -> None:
        if len(look.errors) < MOST_ERRORS:
            look.errors.append(one_line(text, MAX_ERROR))

    def answered(response: Any) -> None:
        if response.frame == page.main_frame and response.request.is_navigation_request():
            look.status = response.status

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error).partition("\n")[0]))
    page.on("response", answered)
    if request.headers:
        origin = "/".join(request.url.split("/")[:3])
        page.route(
            lambda url: url == origin or url.startswith(origin + "/"),
            lambda route: route.continue_(headers={**route.request.headers, **request.headers}),
        )


def _no_answer(request: Request, why: str, resource: str) -> NoReading:
    error = one_line(why.removeprefix("Page.goto: "), 120)
    return NoReading(resource, f"{request.url}: {error}", kind="no-answer", evidence={"error": error})


def _best(looks: list[_Look], version: str) -> Visit:
    paints = [look.paint for look in looks if look.paint is not None]
    loads = [look.load for look in looks if look.load is not None]
    quickest = min(looks, key=lambda look: look.load or float("inf"))
    errors = dict.fromkeys(error for look in looks for error in look.errors)
    return Visit(
        looks[-1].status,
        round(min(paints)) if paints else None,
        round(min(loads)) if loads else None,
        tuple(errors),
        quickest.slowest,
        round(quickest.slowest_ms),
        len(looks),
        version,
        looks[-1].screenshot,
    )


def _left_ms(request: Request) -> float:
    deadline = current.get()
    left_s = request.timeout_s if deadline is None else deadline.remaining()
    return max(1.0, (left_s - RETURN_S) * 1000)
