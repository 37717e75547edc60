"""Whatever a foreign text contains, its parser reads it or gives a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_checks.probes.auth.tokens import forgeries, out_of_time, taken_apart
from runbook_checks.probes.backups.inventory import made_at
from runbook_checks.probes.host.variables import parse_dotenv
from runbook_checks.probes.http.cors import grant
from runbook_checks.probes.http.rate_limits import retry_after_s
from runbook_checks.probes.http.response import decoded
from runbook_checks.probes.http.target import redirect_target
from runbook_checks.probes.logs.command import _entries
from runbook_checks.probes.logs.file import read_entries
from runbook_checks.probes.logs.lines import MAX_MESSAGE, entries_of, entry_at, group_message
from runbook_checks.probes.logs.slow_requests import read_requests
from runbook_checks.probes.metrics.exposition import parse
from runbook_checks.probes.metrics.histogram import Histogram
from runbook_checks.probes.sql.masking import without_literals
from runbook_checks.probes.web.linked_files import in_css, in_html, in_manifest, parsed_manifest
from tests.fuzz.canned import answer
from tests.fuzz.fuzz import any_bytes, bounded, fuzzed, holding, mangled, places, put, twisted_twice, twists, written

EXPOSITION = b"""# HELP http_requests_total All.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200",path="a\\"b\\\\c\\n"} 1027 1395066363000
up 1
latency_bucket{le="+Inf"} 144320 # {trace_id="x"} 1
"""
PAGE = b"""<!doctype html><html><head><base href="/app/"><title>T</title>
<link rel="stylesheet" href="a.css"><link rel="manifest" href="m.json">
<script type="module" src="/x.js?a&amp;b"></script>
<style>@import "b.css"; @font-face { src: url('f.woff2') } .a { background: url(c.png) }</style></head>
<body style="background:url(&quot;d.png&quot;)"><!-- c --><img srcset="e.png 1x, f.png 2x" src=g.png alt='&#65;&euro;'>
<script>if (a < b) "</script>"</script></body></html>"""
SHEET = (
    b'@import url("a.css"); @import \'b.css\'; /* c */ .x { background: url( d.png ) } @font-face{src:url("e.woff")}'
)
MANIFEST = {"icons": [{"src": "a.png"}], "shortcuts": [{"icons": [{"src": "b.png"}]}], "screenshots": []}
LINES = (
    b'{"time":"2026-05-04T13:44:39.123Z","level":"error","msg":"lost 17 of 3f2504e0-4f89-11d3-9a0c-0305e82c3301"}',
    b'time=2026-05-04T13:44:39Z level=ERROR msg="could not \\"open\\" it" order=17',
    b"2026-05-04 13:44:39,123 ERROR [main] - lost 10.0.0.1:80 and [2001:db8::1]:443",
    b"2026/05/04 13:44:39 WARN slow 12ms",
    b"\ttraceback: at x (y.js:1:2)",
)
INVOCATION = {
    "scriptName": "queue-worker", "outcome": "ok", "eventTimestamp": 1700000000000,
    "logs": [{"level": "error", "timestamp": 1700000000000, "message": ['{"code":"GROQ_API_ERROR","level":"error"}']},
             {"level": "log", "timestamp": 1700000000001, "message": ["a", {"b": [1]}]}],
    "exceptions": [{"name": "Error", "message": "no", "timestamp": 1700000000000}],
}  # fmt: skip
REQUEST = {"time": "2026-05-04T13:44:39Z", "level": "info", "method": "GET", "url": "/a?b", "responseTime": "5120ms"}
DOTENV = b"export A=1\nB='x\ny' # c\nC=\"a\\nb\"\nD=\r\nE = f # g\n"
CLAIMS = {"sub": "7", "role": "user", "exp": 1700000000, "iat": 1, "nbf": 1}
STATEMENT = b"SELECT a, 'x''y', $1, $$b$$, E'\\'', 12.5e3 FROM t -- c\n WHERE b = \"d\" /* e */ AND c = X'ff'"


def log_line(text: str) -> None:
    for entry in [*entries_of(text, text), entry_at(1.0, text, text[:9])]:
        assert -1e12 < entry.time < 1e12, entry
        group_message(entry.message)
    group_message(text[:MAX_MESSAGE])


def page(text: str) -> None:
    for reference in in_html(text, "https://a.example.com/x/"):
        reference.url.encode()
    _ = answer(text.encode("utf-8", "replace")).is_html


def style_sheet(text: str) -> None:
    for reference in in_css(text, "https://a.example.com/x/"):
        reference.url.encode()


def manifest(text: str) -> None:
    for reference in in_manifest(parsed_manifest(text), "https://a.example.com/x/"):
        reference.url.encode()


def dotenv(text: str) -> None:
    parse_dotenv(text)


def exposition(text: str) -> None:
    parse(text, "https://a.example.com/metrics")


TEXTS: dict[str, tuple[Callable[[str], object], tuple[bytes, ...]]] = {
    "exposition": (exposition, (EXPOSITION,)),
    "page": (page, (PAGE,)),
    "style-sheet": (style_sheet, (SHEET,)),
    "manifest": (manifest, (written(MANIFEST),)),
    "log-line": (log_line, (*LINES, written(INVOCATION), written(REQUEST))),
    "dotenv": (dotenv, (DOTENV,)),
    "statement": (without_literals, (STATEMENT,)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_broken_and_any_text(name: str) -> None:
    read, right = TEXTS[name]

    @fuzzed(500)
    @given(
        st.one_of(
            mangled(*right),
            mangled(*right),
            any_bytes(),
            st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
        )
    )
    def fuzz(body: bytes) -> None:
        text = body.decode("utf-8", "replace")
        with holding(text):
            read(text)

    with bounded():
        fuzz()


# Repeated inputs that cause backtracking, or repeated parsing of the rest.
LONG = ("a", "\\", '"', "'", "(", "{", "<", "<a ", "<!--", "&#9", "&#x", "&a", "url(", "url('", 'url("', "@import ",
        "/*", "a=", '{a="', ':', "0:", "1.", "1 ", "[", "=\"",
        "msg=\"", "#", " ", "\t", "\n", "\\u", "-", "a,", "--", "$",
        "e'", "2026-", "level=", "ERROR ", "\u2028", "f" * 31)  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_time_is_linear(name: str) -> None:
    """Fifty thousand repetitions after a valid beginning."""
    read, right = TEXTS[name]
    most = 16 << 10 if name in ("log-line", "statement") else 100_000  # these get truncated text
    for piece in LONG:
        for before in ("", right[0].decode()[:40], "<a b='&#", '{"time":"2026-05-04T13:44:39Z","msg":"'):
            text = (before + piece * (most // len(piece)))[:most]
            with holding(text):
                read(text)


def test_every_modification_of_an_invocation_and_of_a_request() -> None:
    with bounded():
        for document in (INVOCATION, REQUEST):
            for body in twists(document):
                with holding(body):
                    log_line(body.decode("utf-8", "replace"))


def test_every_modification_of_a_manifest() -> None:
    for body in twists(MANIFEST):
        with holding(body):
            manifest(body.decode("utf-8", "replace"))


@fuzzed(150)
@given(st.lists(st.one_of(mangled(*LINES, written(REQUEST)), twisted_twice(REQUEST), any_bytes(80)), max_size=6))
def test_files_of_such_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.log"
    file.write_bytes(b"\n".join(lines))
    with holding(lines):
        read_entries(file, since=0.0, until=4e9)
    with holding(lines):
        for request in read_requests(file, since=0.0, until=4e9, field="responseTime", what=("method", "url")).found:
            assert 0 <= request.took_ms < 1e15
    with holding(lines):
        _entries([line.decode("utf-8", "replace") for line in lines])


def token(header: bytes, claims: bytes, signature: str = "c2ln") -> str:
    import base64

    return ".".join((*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims)), signature))


def use(text: str) -> None:
    genuine = taken_apart(text)
    for name in ("exp", "iat", "nbf", "none"):
        genuine.time(name)
    for forgery in [*forgeries(genuine, b"-----BEGIN PUBLIC KEY-----\n"), *out_of_time(genuine, "secret", 1.7e9)]:
        forgery.token.encode()


def test_every_modification_of_a_token() -> None:
    header = {"alg": "HS256", "typ": "JWT", "kid": "a"}
    for body in twists(CLAIMS):
        with holding(body):
            use(token(written(header), body))
    for body in twists(header):
        with holding(body):
            use(token(body, written(CLAIMS)))


@fuzzed()
@given(
    st.one_of(
        mangled(token(written({"alg": "HS256"}), written(CLAIMS)).encode()),
        any_bytes(),
        st.text(max_size=90).map(str.encode),
    )
)
def test_any_token(body: bytes) -> None:
    with holding(body):
        use(body.decode("utf-8", "replace"))


@fuzzed()
@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(("+Inf", "1", "1.0", "NaN", "-Inf", "1e999")),
                       st.floats(), max_size=6))  # fmt: skip
def test_any_histogram(counts: dict[str, float]) -> None:
    with holding(counts):
        histogram = Histogram(counts, "prometheus", "latency")
        if histogram.total > 0:
            histogram.quantile(0.95).is_above(0.5)
        _ = histogram.last_ms


@fuzzed(400)
@given(st.text(max_size=60) | st.sampled_from(
           ("Fri, 31 Dec 9999 23:59:59 -9999", "Mon, 01 Jan 0001 00:00:00 +9999", "inf", "-1", "9" * 400)),
       st.binary(max_size=60), st.sampled_from(("gzip", "deflate", "br", "", "x-gzip", "\u0130")))  # fmt: skip
def test_headers_and_codings(value: str, body: bytes, coding: str) -> None:
    with holding((value, body, coding)):
        seconds = retry_after_s(answer(body, 429, {"retry-after": value}))
        assert seconds is None or seconds >= 0
        redirect_target("https://a.example.com/b", value)
        grant(answer(body, 200, {"access-control-allow-origin": value, "access-control-allow-methods": value}))
        _ = answer(body, 200, {"content-type": f"text/html; charset={value}"}).text
        decoded(body, coding, 1000)
        made_at(value, 1.7e9)


def test_put_changes_the_given_place() -> None:
    document = json.loads(written(INVOCATION))
    assert len(list(places(document))) == 23
    assert put(document, ("logs", 0, "level"), 7)["logs"][0]["level"] == 7
    assert Path(__file__).name == "test_texts.py"
