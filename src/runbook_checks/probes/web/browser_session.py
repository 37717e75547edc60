"""Visit a page with Chromium through playwright, in a separate process, and report its times and errors.

Every question to a page has a timeout, because its scripts may block for ever. Questions run in an isolated world
(Chrome DevTools Protocol), where scripts of the page cannot replace the browser's functions.
"""

from __future__ import annotations

import asyncio
import base64
import html
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runbook_checks.probes.core.deadline import current
from runbook_checks.probes.core.reading import NoReading, one_line
from runbook_checks.probes.http.target import same_origin
from runbook_checks.probes.web.browser_gate import Gate

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, Page

    from runbook_checks.probes.web.chromium import Chromium, Request

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=4",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
NOT_WANTED = ("--disable-popup-blocking",)  # playwright's; users have it blocked
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36 {own}"
MAX_MEMORY = 1 << 30  # that each process may write to; Chromium reserves far more addresses than it uses
SANDBOX = "allow user namespaces to this user, or write web.browser_sandbox: false where the page is your own"
VISITS = 2
SETTLE_S = 0.3
MOST_ERRORS = 10
MOST_MESSAGES = 1000
MAX_ERROR = 240
MAX_URL = 120
RETURN_S = 1.0
POLL_S = 0.05
LEAST_S = 3.0  # with less time left, there is no further visit
ASK_S = 10.0
ANSWER_S = 2.0
FONTS = """<?xml version="1.0"?>
<fontconfig>{folders}<cachedir>{cache}</cachedir></fontconfig>
"""
TIMES = """(() => {
  const entry = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const files = performance.getEntriesByType("resource").map((f) => [new URL(f.name).pathname, f.duration]);
  files.push([location.pathname, entry && entry.responseEnd || performance.now()]);
  return {load: entry ? entry.loadEventEnd : 0, paint: paint ? paint.startTime : null,
          slowest: files.sort((a, b) => b[1] - a[1])[0], now: performance.now(), frames: window.length};
})()"""


@dataclass
class Look:
    """One visit by a new user."""

    status: int = 0
    waited_ms: float = 0.0
    is_loaded: bool = False
    paint: float | None = None
    load: float | None = None
    blank_ms: float | None = None  # no paint for so long, and no frame that may have painted
    slowest: str = ""
    slowest_ms: float = 0.0
    errors: list[str] = field(default_factory=list)
    messages: int = 0
    refused: list[str] = field(default_factory=list)
    screenshot: bytes = field(default=b"", repr=False)


def looks(chromium: Chromium, request: Request, home: str, resource: str) -> tuple[list[Look], str]:
    """A few visits of the page, and the browser's version. Every process has `home` in its environment."""
    import resource as limits

    os.environ["TMPDIR"] = home  # playwright's own folders
    limits.setrlimit(limits.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    return asyncio.run(_looks(chromium, request, home, resource))


async def _looks(chromium: Chromium, request: Request, home: str, resource: str) -> tuple[list[Look], str]:
    gate = Gate(request.far_ends, request.resolver)
    browser = await _started(chromium, request, home, resource, await gate.start())
    made: list[Look] = []
    longest_s = LEAST_S
    for number in range(VISITS):
        begun = time.monotonic()
        if number and _left_ms(request) / 1000 < 1.5 * longest_s:
            break
        try:
            made.append(await _look(browser, request, resource, gate))
        except NoReading:
            if not made:
                raise
            break
        longest_s = max(longest_s, time.monotonic() - begun)
    if any(look.blank_ms for look in made) and not await _paints(browser):
        for look in made:
            look.blank_ms = None
    return made, browser.version


async def _paints(browser: Browser) -> bool:
    """Whether the browser paints text at all: without a font it does not, and reports no first paint."""
    from playwright.async_api import Error

    with suppress(Error, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            page = await browser.new_page()
            await page.goto("data:text/html,<p>control")
            session = await page.context.new_cdp_session(page)
            while (await _times(session))["paint"] is None:
                await asyncio.sleep(POLL_S)
            return True
    return False


async def _started(chromium: Chromium, request: Request, home: str, resource: str, gate: int | None = None) -> Browser:
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        what = "playwright is not installed: pip install 'runbook-checks[browser]'"
        raise NoReading(resource, what, kind="missing-tool") from None
    # It uses no settings and caches of this user, and leaves none behind.
    own = {"HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    environment: dict[str, str | float | bool] = {**chromium.environment, **own, **_fonts(chromium, home)}
    playwright = await async_playwright().start()
    try:
        return await playwright.chromium.launch(
            executable_path=chromium.path,
            args=[*_flags(request), *_way_out(request, gate)],
            chromium_sandbox=request.sandbox and os.geteuid() != 0,  # Chromium's own refuses root
            ignore_default_args=list(NOT_WANTED),
            env=environment,
            timeout=_left_ms(request),
        )
    except Error as error:
        what = f"{chromium.path} does not start: {one_line(str(error).split('Browser logs')[0], 160)}"
        if "No usable sandbox" in str(error):
            what = f"{chromium.path} finds no usable sandbox: {SANDBOX}"
        raise NoReading(resource, what, kind="not-started") from None


def _fonts(chromium: Chromium, home: str) -> dict[str, str]:
    """Fonts for Chromium: without one no text is painted, and there is no first paint."""
    if not chromium.fonts:
        return {}
    folders = "".join(f"<dir>{html.escape(folder)}</dir>" for folder in chromium.fonts)
    file = Path(home) / "fonts.conf"
    file.write_text(FONTS.format(folders=folders, cache=html.escape(f"{home}/fonts")))
    return {"FONTCONFIG_FILE": str(file)}


def _flags(request: Request) -> list[str]:
    flags = list(FLAGS)
    if request.address is not None:
        address = f"[{request.address}]" if ":" in request.address else request.address
        flags.append(f"--host-resolver-rules=MAP {urlsplit(request.url).hostname} {address}")
    if request.pinned_keys:
        pins = ",".join(base64.b64encode(bytes.fromhex(key)).decode() for key in request.pinned_keys)
        flags.append(f"--ignore-certificate-errors-spki-list={pins}")
    return flags


def _way_out(request: Request, gate: int | None) -> list[str]:
    """Send requests to every host but the page's own through the gate, loopback too."""
    if gate is None:
        return []
    host = urlsplit(request.url).hostname or ""
    own = f"[{host}]" if ":" in host else host
    return [f"--proxy-server=socks5://127.0.0.1:{gate}", f"--proxy-bypass-list=<-loopback>;{own}"]


async def _look(browser: Browser, request: Request, resource: str, gate: Gate | None = None) -> Look:
    from playwright.async_api import Error

    look = Look(slowest=urlsplit(request.url).path or "/")
    own = AGENT.format(version=browser.version, own=request.agent).strip()
    size: Any = {"width": 1280, "height": 720}
    context = None
    try:
        async with asyncio.timeout(_left_ms(request) / 1000):
            context = await browser.new_context(user_agent=own, viewport=size, accept_downloads=False)
            page = await context.new_page()
            session = await context.new_cdp_session(page)
            _listen(page, look, gate)
            if request.headers:
                await _send_our_headers(session, request)
            await _load(page, look, request, resource)
            await _wait_for_paint(session, look, request)
            await _ask(session, look, request, resource)
    except Error as error:
        raise _no_answer(request, str(error).partition("\n")[0], resource) from None
    except TimeoutError:
        raise _hangs(request, look, resource) from None
    finally:
        if context:
            await _close(context, request)
    look.refused = list(gate.refused.values()) if gate else []
    return look


async def _load(page: Page, look: Look, request: Request, resource: str) -> None:
    from playwright.async_api import TimeoutError as OutOfTime

    look.waited_ms = look.slowest_ms = _left_ms(request) * 0.6
    try:
        await page.goto(request.url, wait_until="load", timeout=look.waited_ms)
        look.is_loaded = True
    except OutOfTime:
        if not look.status:
            raise _hangs(request, look, resource) from None
    await asyncio.sleep(SETTLE_S)  # what scripts ask for at the end of loading, and the last paint


async def _wait_for_paint(session: CDPSession, look: Look, request: Request) -> None:
    """Give a page that is rendered by its scripts the time to paint after it is loaded."""
    wait_s = min(request.paint_s, 0.2 * _left_ms(request) / 1000)
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while look.is_loaded and (await _times(session))["paint"] is None:
                await asyncio.sleep(POLL_S)


async def _ask(session: CDPSession, look: Look, request: Request, resource: str) -> None:
    """Read the page's own times. That a page was not loaded in time is known without them."""
    try:
        async with asyncio.timeout(min(ASK_S, 0.5 * _left_ms(request) / 1000)):
            await _stop(session)
            times = await _times(session)
            look.paint, look.load = (_in_time(times[name], look) for name in ("paint", "load"))
            if look.is_loaded and look.paint is None and not times["frames"]:
                look.blank_ms = float(times["now"])
            look.slowest, look.slowest_ms = one_line(times["slowest"][0], MAX_ERROR), float(times["slowest"][1])
            shot = await session.send("Page.captureScreenshot", {"format": "png"})
            look.screenshot = base64.b64decode(shot["data"])
    except TimeoutError:
        if look.load is None and (look.is_loaded or not await _keeps_up(session)):
            raise _hangs(request, look, resource) from None


def _in_time(at_ms: float | None, look: Look) -> float | None:
    """A time of the page, unless it came only because the scripts were stopped."""
    return at_ms if at_ms and (look.is_loaded or at_ms < look.waited_ms) else None


async def _stop(session: CDPSession) -> None:
    """Stop the scripts of the page: one that loops, floods or navigates blocks every question."""
    from playwright.async_api import Error

    for word, more in (("Emulation.setScriptExecutionDisabled", {"value": True}), ("Runtime.terminateExecution", None)):
        with suppress(Error):
            await session.send(word, more)


async def _keeps_up(session: CDPSession) -> bool:
    """Whether the browser itself still responds: then all its earlier messages have been read."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            await session.send("Target.getTargetInfo")
            return True
    return False


async def _times(session: CDPSession) -> Any:
    """The page's times, read again if it has just navigated."""
    from playwright.async_api import Error

    while True:
        try:
            tree = await session.send("Page.getFrameTree")
            where = {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "runbook-checks"}
            world = await session.send("Page.createIsolatedWorld", where)
            question = {"expression": TIMES, "contextId": world["executionContextId"], "returnByValue": True}
            return (await session.send("Runtime.evaluate", question))["result"]["value"]
        except (Error, KeyError):
            await asyncio.sleep(POLL_S)


def _listen(page: Page, look: Look, gate: Gate | None) -> None:
    """Collect errors while the page loads, up to a number of messages."""
    from playwright.async_api import Error

    def note(text: str) -> None:
        if len(look.errors) < MOST_ERRORS:
            look.errors.append(one_line(text, MAX_ERROR))

    def said(message: Any) -> None:
        look.messages += 1
        text = message.text
        if message.type == "error" and gate is not None:
            text = gate.console_error(text, urlsplit(message.location.get("url", "")).hostname or "")
        if text and text.startswith("Failed to load resource"):
            text = f"{text} at {message.location.get('url', '').partition('?')[0][:MAX_URL]}"
        if message.type == "error" and text is not None:
            note(text)
        if look.messages >= MOST_MESSAGES:
            page.remove_listener("console", said)

    def answered(response: Any) -> None:
        with suppress(Error):  # a service worker's belong to no frame
            if response.request.is_navigation_request() and response.frame == page.main_frame:
                look.status = response.status

    page.on("console", said)
    page.on("pageerror", lambda error: note(str(error).partition("\n")[0]))
    page.on("response", answered)


async def _send_our_headers(session: CDPSession, request: Request) -> None:
    """Send the configured headers to the page's own origin only.

    Chromium keeps them in a redirect to another origin, so they are removed there. Playwright's routes would keep them
    too, and answer preflights in place of the server.
    """
    from playwright.async_api import Error

    ours = {name.lower() for name in request.headers}

    async def paused(event: Any) -> None:
        sent = event["request"]
        headers = {name: value for name, value in sent["headers"].items() if name.lower() not in ours}
        if same_origin(sent["url"], request.url):
            headers |= request.headers
        answer: dict[str, Any] = {"requestId": event["requestId"]}
        if headers != sent["headers"]:
            answer["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
        with suppress(Error):
            await session.send("Fetch.continueRequest", answer)

    session.on("Fetch.requestPaused", paused)
    await session.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})


async def _close(context: BrowserContext, request: Request) -> None:
    from playwright.async_api import Error

    with suppress(Error, TimeoutError):
        async with asyncio.timeout(min(ASK_S, _left_ms(request) / 1000)):
            await context.close()


def _no_answer(request: Request, why: str, resource: str) -> NoReading:
    error = one_line(why.removeprefix("Page.goto: "), 120)
    return NoReading(resource, f"{request.url}: {error}", kind="no-answer", evidence={"error": error})


def _hangs(request: Request, look: Look, resource: str) -> NoReading:
    if not look.status:
        return _no_answer(request, "no response in time", resource)
    said = f"; its console has: {one_line(look.errors[0], 80)}" if look.errors else ""
    what = f"{request.url} answers {look.status} and then stops responding: its scripts block the page{said}"
    return NoReading(resource, what, kind="page-hangs")


def _left_ms(request: Request) -> float:
    deadline = current.get()
    left_s = request.timeout_s if deadline is None else deadline.remaining()
    return max(1.0, (left_s - RETURN_S) * 1000)
