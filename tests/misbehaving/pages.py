"""Pages that attack the browser that opens them, or make it wait."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

from tests.misbehaving.http import whole
from tests.misbehaving.server import Handler, Visit, misbehaves

HTML = "Content-Type: text/html; charset=utf-8"
SCRIPT = "Content-Type: text/javascript"
CLOSE = "Connection: close"
LOGIN = 'WWW-Authenticate: Basic realm="x"'
Said = bytes | Callable[[Visit, bytes], None]
NEVER = "const x = new XMLHttpRequest(); x.open('GET', '/never', false); x.send();"  # blocks the page without using CPU


def page(*markup: str, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    return whole(("<!doctype html>" + "".join(markup)).encode(), HTML, CLOSE, *headers, status=status)


def script(text: str) -> bytes:
    return page("<h1>Seen</h1><script>", text, "</script>")


def serving(said: dict[str, Said], asked: list[bytes] | None = None) -> Handler:
    """A server of these responses by path; `*` is any other path, `/never` gets none. `asked` gets the requests."""

    def handle(visit: Visit) -> None:
        seen = visit.request()
        if not seen:
            return
        if asked is not None:
            asked.append(seen)
        path = seen.split(b" ")[1].decode("latin-1").partition("?")[0]
        if path == "/never":
            visit.stay_silent()
            return
        answer = said.get(path) or said.get("*") or whole(b"", CLOSE)
        if callable(answer):
            answer(visit, seen)
        else:
            visit.say(answer)

    return handle


def opened(visit: Visit, seen: bytes) -> None:
    """A WebSocket that sends nothing after its handshake (RFC 6455, 4.2.2)."""
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", seen)
    proof = hashlib.sha1((key[1] if key else b"") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324
    upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    visit.say(upgrade, f"Sec-WebSocket-Accept: {base64.b64encode(proof).decode()}\r\n\r\n")
    visit.stay_silent()


def never_whole(visit: Visit, _: bytes) -> None:
    visit.say(f"HTTP/1.1 200 OK\r\n{HTML}\r\n\r\n<h1>Seen</h1>")
    visit.drip(b"<p>a" * 1000)


def cut_off(visit: Visit, _: bytes) -> None:
    visit.say(f"HTTP/1.1 200 OK\r\n{HTML}\r\nContent-Length: 100000\r\n\r\n<h1>Seen</h1>")
    visit.stay_silent(0.2)
    visit.reset()


def endless_file(visit: Visit, _: bytes) -> None:
    visit.say("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n")
    visit.say("Content-Disposition: attachment\r\n\r\n")
    while True:
        visit.say(b"a" * 65536)


def onwards(visit: Visit, seen: bytes) -> None:
    number = int((re.search(rb"\?(\d+)", seen) or [b"", b"0"])[1])
    visit.say(whole(b"", f"Location: /?{number + 1}", CLOSE, status="302 Found"))


ILL: dict[str, dict[str, Said]] = {
    "page.alerts": {"/": script("alert(1); confirm(2); prompt(3); print(); setInterval(() => alert(4), 1)")},
    "page.asks-for-a-login": {"*": page("no", status="401 Unauthorized", headers=(LOGIN,))},
    "page.begs": {"/": script("navigator.geolocation.getCurrentPosition(() => 0); Notification.requestPermission()")},
    "page.cut-off": {"/": cut_off},
    "page.deep": {"/": page("<div>" * 20_000)},
    "page.downloads": {"/": script("location = '/file'"), "/file": endless_file},
    "page.downloads-at-once": {"/": endless_file},
    "page.empties": {"*": b"HTTP/1.1 204 No Content\r\n\r\n"},
    "page.floods-the-console": {"/": script("setInterval(() => { for (let i = 0; i < 99; i++) console.error(i) })")},
    "page.frames-itself": {"*": page("<iframe src='/a'></iframe><iframe src='/b'></iframe>")},
    "page.garbled": {"/": whole(b"<\x00h\x001\x00>\xff\xfe\x80" * 99, "Content-Type: text/html; charset=utf-7", CLOSE)},
    "page.hangs": {"/": script(NEVER)},
    "page.hangs-once-loaded": {"/": script(f"onload = () => setTimeout(() => {{ {NEVER} }}, 100)")},
    "page.holds-on": {"/": script("onbeforeunload = (e) => { e.preventDefault(); return 'stay' }")},
    "page.lies": {"/": script(
        "performance.getEntriesByType = () => [{name: 7, duration: NaN, loadEventEnd: 'soon', responseEnd: {}}];"
        "performance.getEntriesByName = () => { throw 1 }; Array.prototype.sort = () => [[{}, 'x']]")},
    "page.loops": {"/": script("for (;;);")},
    "page.moves-once": {"/": page("<script>location = '/home'</script>"), "/home": page("<h1>Seen</h1>")},
    "page.never-whole": {"/": never_whole},
    "page.opens-windows": {"/": script("setInterval(() => { for (let i = 0; i < 9; i++) window.open('/other') }, 9)")},
    "page.redirects": {"/": onwards},
    "page.reloads": {"/": page("<script>location = '/?' + Math.random()</script>")},
    "page.shouts": {"/": script(
        "console.error('\\u202e\\x1b[31m' + 'x'.repeat(1e6)); throw new Error('y\\x07'.repeat(1e5))")},
    "page.socket-hangs": {"/": script("new WebSocket('ws://' + location.host + '/socket')"), "/socket": opened},
    "page.takes-memory": {"/": script("const a = []; for (;;) a.push(new Uint8Array(1e8).fill(1))")},
    "page.worker-hangs": {
        "/": script("navigator.serviceWorker.register('/worker.js')"),
        "/worker.js": whole(b"oninstall = (e) => e.waitUntil(new Promise(() => 0))", SCRIPT, CLOSE)},
}  # fmt: skip
for _name, _said in ILL.items():
    misbehaves(_name)(serving(_said))
