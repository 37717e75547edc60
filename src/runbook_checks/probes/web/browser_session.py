"""What happens in a page while it is looked at? Chromium tells, through playwright, to a process of its own.

Nothing is asked of a page without a time-out: its scripts may hold it for ever. It is asked from a world of its own,
where no script of the page has put anything in place of what belongs to the browser.
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
MAX_ERROR = 200
RETURN_S = 1.0
LEAST_S = 3.0  # with less left, no further visit is begun
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
          slowest: files.sort((a, b) => b[1] - a[1])[0]};
})()"""


@dataclass
class Look:
    """One visit by a new user."""

    status: int = 0
    waited_ms: float = 0.0
    is_loaded: bool = False
    paint: float | None = None
    load: float | None = None
    slowest: str = ""
    slowest_ms: float = 0.0
    errors: list[str] = field(default_factory=list)
    messages: int = 0
    refused: list[str] = field(default_factory=list)
    screenshot: bytes = field(default=b"", repr=False)


def looks(chromium: Chromium, request: Request, home: str, resource: str) -> tuple[list[Look], str]:
    """A few looks at the page, and the browser's version. Whatever is started has `home` in its environment."""
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
    return made, browser.version


async def _started(chromium: Chromium, request: Request, home: str, resource: str, gate: int | None = None) -> Browser:
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        what = "playwright is not installed: pip install 'runbook-checks[browser]'"
        raise NoReading(resource, what, kind="missing-tool") from None
    # Settings and caches of whoever runs us stay out of it, and its own don't stay behind.
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
    """Without a font no text is painted, and a first paint never comes."""
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
    """Everything but the page's own host is reached through the gate, loopback too."""
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


async def _ask(session: CDPSession, look: Look, request: Request, resource: str) -> None:
    """What the page says of itself. Of one that was not loaded in time that much is known, whatever it says."""
    try:
        async with asyncio.timeout(min(ASK_S, 0.5 * _left_ms(request) / 1000)):
            await _stop(session)
            times = await _times(session)
            look.paint, look.load = (_in_time(times[name], look) for name in ("paint", "load"))
            look.slowest, look.slowest_ms = one_line(times["slowest"][0], MAX_ERROR), float(times["slowest"][1])
            shot = await session.send("Page.captureScreenshot", {"format": "png"})
            look.screenshot = base64.b64decode(shot["data"])
    except TimeoutError:
        if look.load is None and (look.is_loaded or not await _keeps_up(session)):
            raise _hangs(request, look, resource) from None


def _in_time(at_ms: float | None, look: Look) -> float | None:
    """What came to pass only because we stopped the scripts is not the page's."""
    return at_ms if at_ms and (look.is_loaded or at_ms < look.waited_ms) else None


async def _stop(session: CDPSession) -> None:
    """No script of the page runs any more: one that loops, floods or moves on leaves nobody a turn."""
    from playwright.async_api import Error

    for word, more in (("Emulation.setScriptExecutionDisabled", {"value": True}), ("Runtime.terminateExecution", None)):
        with suppress(Error):
            await session.send(word, more)


async def _keeps_up(session: CDPSession) -> bool:
    """Whether the browser itself, unlike the page, answers: then nothing that it has told before was left unread."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            await session.send("Target.getTargetInfo")
            return True
    return False


async def _times(session: CDPSession) -> Any:
    """Asked again where the page has just moved on to another."""
    from playwright.async_api import Error

    while True:
        try:
            tree = await session.send("Page.getFrameTree")
            where = {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "runbook-checks"}
            world = await session.send("Page.createIsolatedWorld", where)
            asked = {"expression": TIMES, "contextId": world["executionContextId"], "returnByValue": True}
            return (await session.send("Runtime.evaluate", asked))["result"]["value"]
        except (Error, KeyError):
            await asyncio.sleep(0.05)


def _listen(page: Page, look: Look, gate: Gate | None) -> None:
    """Keep what fails while the page is loaded; whoever never stops talking is not listened to for ever."""
    from playwright.async_api import Error

    def note(text: str) -> None:
        if len(look.errors) < MOST_ERRORS:
            look.errors.append(one_line(text, MAX_ERROR))

    def said(message: Any) -> None:
        look.messages += 1
        text = message.text
        if message.type == "error" and gate is not None:
            text = gate.told(text, urlsplit(message.location.get("url", "")).hostname or "")
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
    """To the page's own origin; Chromium carries them along where a redirect leads to another, so they are taken out.

    Playwright's routes would carry them there as well, and answer preflights in place of the far end.
    """
    from playwright.async_api import Error

    ours = {name.lower() for name in request.headers}

    async def paused(event: Any) -> None:
        asked = event["request"]
        headers = {name: value for name, value in asked["headers"].items() if name.lower() not in ours}
        if same_origin(asked["url"], request.url):
            headers |= request.headers
        answer: dict[str, Any] = {"requestId": event["requestId"]}
        if headers != asked["headers"]:
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
        return _no_answer(request, "it did not answer in time", resource)
    said = f"; its console says: {one_line(look.errors[0], 80)}" if look.errors else ""
    what = f"{request.url} answers {look.status} and then nothing more: scripts hold the page, or never stop{said}"
    return NoReading(resource, what, kind="page-hangs")


def _left_ms(request: Request) -> float:
    deadline = current.get()
    left_s = request.timeout_s if deadline is None else deadline.remaining()
    return max(1.0, (left_s - RETURN_S) * 1000)
