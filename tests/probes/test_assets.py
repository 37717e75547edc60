"""Every file that a page refers to is checked, within limits, and unchecked files are reported."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runbook_checks.probes.http.client import Http
from runbook_checks.probes.web.assets import Limits, PageLook, look
from tests.hostile.services import answering
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer
from tests.probes.conftest import taking

Files = dict[str, tuple[str, bytes]]
HTML = "text/html; charset=utf-8"


@contextmanager
def site(files: Files, asked: list[dict[str, str]] | None = None) -> Iterator[str]:
    """Serve these files: path to type and content; type "silence" gets no response. `asked` receives headers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if asked is not None:
                asked.append({name.lower(): value for name, value in self.headers.items()})
            kind, content = files.get(self.path, ("", b""))
            if kind == "silence":
                gone.wait(30)
                return
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    gone = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        gone.set()
        server.shutdown()
        server.server_close()


def looked(files: Files, limits: Limits | None = None, others: dict[str, Http] | None = None) -> PageLook:
    with site(files) as url:
        return look(Http(url, timeout_s=0.5), "/", others or {}, limits or Limits())


def page(*markup: str) -> tuple[str, bytes]:
    return HTML, ("<!doctype html>" + "".join(markup)).encode()


def test_files_are_followed_through_styles_and_manifest() -> None:
    found = looked(
        {
            "/": page("<link rel=stylesheet href=/a.css><link rel=manifest href=/m.json><script src=/a.js></script>"),
            "/a.css": ("text/css", b"@import 'b.css'; p { background: url(p.png) }"),
            "/b.css": ("text/css", b"@import 'a.css'; @font-face { src: url(f.woff2) }"),
            "/p.png": ("image/png", b"\x89PNG"),
            "/m.json": ("application/json", b'{"icons": [{"src": "i.png"}]}'),
            "/a.js": (HTML, b"<!doctype html><title>In place of a script</title>"),
        }
    )
    reported = {asset.url.rpartition("/")[2]: (asset.kind, asset.status, asset.is_html) for asset in found.assets}
    assert reported == {
        "a.css": ("style", 200, False),
        "b.css": ("style", 200, False),
        "p.png": ("image", 200, False),
        "f.woff2": ("font", 404, False),
        "m.json": ("manifest", 200, False),
        "i.png": ("image", 404, False),
        "a.js": ("script", 200, True),
    }
    assert [found.cut, found.unseen, found.elsewhere] == [[], {}, []]


def test_other_origins_are_not_requested_but_named() -> None:
    with site({"/x.js": ("text/javascript", b"1")}) as cdn:
        files = {"/": page(f"<script src={cdn}/x.js></script><script src=https://cdn.example.invalid/y.js></script>")}
        alone = looked(files)
        assert alone.elsewhere == [f"{cdn}/x.js", "https://cdn.example.invalid/y.js"]
        assert not alone.assets
        asked = looked(files, others={cdn: Http(cdn)})
        assert [asset.url for asset in asked.assets] == [f"{cdn}/x.js"]
        assert asked.elsewhere == ["https://cdn.example.invalid/y.js"]


def test_endless_chain_of_styles_is_limited() -> None:
    files: Files = {f"/{n}.css": ("text/css", f"@import '{n + 1}.css';".encode()) for n in range(500)}
    found = looked({"/": page("<link rel=stylesheet href=/0.css>"), **files}, Limits(number=20))
    assert len(found.assets) == 20
    assert [url.rpartition("/")[2] for url in found.cut] == ["20.css"]


def test_file_over_the_limit_of_bytes_is_reported() -> None:
    pictures = "".join(f"<img src=/{n}.png>" for n in range(30))
    files: Files = {f"/{n}.png": ("image/png", bytes(1000)) for n in range(30)}
    found = looked({"/": page(pictures), **files}, Limits(bytes=5000))
    assert found.cut
    assert len(found.cut) + len(found.assets) == 30


def test_silent_files_take_no_longer_than_the_limit() -> None:
    pictures = "".join(f"<img src=/{n}.png>" for n in range(60))
    files: Files = {f"/{n}.png": ("silence", b"") for n in range(60)}
    with taking(3):
        found = looked({"/": page(pictures), **files}, Limits(seconds=1))
    assert len(found.cut) + len(found.unseen) == 60
    assert found.cut
    assert {gone.kind for gone in found.unseen.values()} == {"read-timeout"}


def test_document_that_is_not_html_is_not_parsed() -> None:
    found = looked({"/": ("application/json", b'{"a": "<img src=/a.png>"}')})
    assert found.page.status == 200
    assert not found.assets


def said(status: int, content: bytes) -> bytes:
    return whole(content, "Connection: close", "Content-Type: Text/CSS ; charset=x", status=f"{status} So")


def test_only_successful_responses_are_parsed() -> None:
    """An error page has its own references, and so does an error in place of a style sheet."""
    refers = page("<link rel=stylesheet href=/a.css><img src=/a.png>")[1]
    for status, reported in ((404, []), (500, []), (200, ["a.css", "a.png"])):
        answers = {"/": said(status, refers), "/a.css": said(404, b"p { background: url(b.png) }")}
        with FakeServer(answering(lambda _, path: answers.get(path, said(200, b"")))) as server:  # noqa: B023
            found = look(Http(server.url), "/", {}, Limits())
        assert [asset.url.rpartition("/")[2] for asset in found.assets] == reported
        assert {asset.content_type for asset in found.assets} <= {"text/css"}


def test_whether_a_manifest_is_a_document() -> None:
    for content, is_json in ((b'{"icons": []}', True), (b"[]", False), (b"{", False), (b"<html>", False)):
        files: Files = {"/": page("<link rel=manifest href=/m.json><script src=/x.js>"), "/m.json": ("a/b", content)}
        reported = {asset.kind: asset.is_json for asset in looked(files).assets}
        assert reported == {"manifest": is_json, "script": None}


def test_files_over_the_limit_are_not_requested_but_named() -> None:
    files: Files = {"/": page("".join(f"<img src=/{n}.png>" for n in range(10)))}
    found = looked(files, Limits(number=4))
    assert (len(found.assets), len(found.cut)) == (4, 6)
    assert not looked(files, Limits(number=10)).cut


def test_page_is_recognised_by_its_beginning() -> None:
    begins = {
        "<!DOCTYPE html>": True,
        "  <!-- a remark -->\n <HTML lang=en>": True,
        "<head>": True,
        "<body class=x>": True,
        "<!doctype svg>": False,
        "<htmlx>": False,
        "x<html>": False,
        "<p>": False,
    }
    for begin, is_page in begins.items():
        found = looked({"/": (HTML, f"{begin}<img src=/a.png>".encode())})
        assert bool(found.assets) == is_page, begin


def test_origins_are_compared_case_insensitively() -> None:
    with site({"/x.js": ("text/javascript", b"1")}) as cdn:
        upper = cdn.replace("127.0.0.1", "LOCALHOST")
        files = {"/": page(f"<script src={upper}/x.js></script>")}
        found = looked(files, others={upper.lower(): Http(upper.lower())})
    assert (len(found.assets), found.elsewhere) == (1, [])
