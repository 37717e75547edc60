"""Correct HTTP with unexpected content: documents, fields, headers, redirects."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import SYSTEM
from tests.hostile.product import TOKEN, Settings, check, describe, http, must_be_orderly, outcomes
from tests.hostile.services import INFO, always, document, healthy_but, saying
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.server import Visit


def nested(depth: int, inner: str = "1") -> str:
    return '{"a":' * depth + inner + "}" * depth


def components(count: int, state: str = "DOWN") -> dict[str, Any]:
    return {"status": "DOWN", "components": {f"part-{n}": {"status": state} for n in range(count)}}


EVIL = "\x1b[2J\x1b]0;owned\x07\u202edellik\u2066\x9b31m\x00\r\nP0 all is well\u2028"

# Responses of all health addresses, and the cause that health.degraded reports. None means healthy, "None" a finding
# without a cause.
HEALTH: dict[str, tuple[Any, str | None]] = {
    "sixty-levels-deep": (f'{{"status":"DOWN","details":{nested(60)}}}', "status-down"),
    "too-deep-to-parse": (f'{{"status":"UP","details":{nested(100_000)}}}', "not-json"),
    "arrays-too-deep": ("[" * 200_000 + "]" * 200_000, "not-json"),
    "many-components": (components(20_000), "component-down"),
    "too-many-components": (components(1_000_000), "None"),
    "said-twice": ('{"status":"DOWN","status":"UP"}', "not-json"),
    "not-a-number": ('{"status":"UP","load":NaN}', "not-json"),
    "beyond-numbers": ('{"status":1e999}', "not-json"),
    "a-long-number": ('{"status":%s}' % ("9" * 300), "unknown"),
    "a-number-beyond-counting": ('{"status":%s}' % ("9" * 4000), "not-json"),
    "a-number-too-long": ('{"status":%s}' % ("9" * 500_000), "not-json"),
    "a-long-state": ({"status": "DOWN" * 200_000}, "unknown"),
    "state-of-another-kind": ({"status": {"status": "UP"}}, "wrong-document"),
    "states-of-another-kind": ({"status": "UP", "components": [1, None, {"name": [], "status": 7}]}, "unknown"),
    "escapes": ({"status": EVIL, "components": {EVIL: {"status": EVIL}}}, "component-down"),
    "lone-surrogates": ('{"status":"\\ud800"}', "not-json"),
    "bytes": (b'{"status":"\xff\xfe\xfd"}', "not-json"),
    "nul-bytes": (b'{"status":"UP"}' + bytes(1000), "not-json"),
    "two-documents": ('{"status":"UP"}{"status":"DOWN"}', "not-json"),
    "byte-order-mark": (b'\xef\xbb\xbf{"status":"UP"}', None),
    "other-letters": ({"status": "\uff35\uff30"}, "unknown"),
}


def test_health_documents(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FakeServer(saying(value))) for name, (value, _) in HEALTH.items()}
        ran = check(tmp_path, {name: http(s.url) for name, s in servers.items()}, "-m", "health")
    must_be_orderly(ran)
    for name, (_, cause) in HEALTH.items():
        got = outcomes(ran.of(name))
        wanted = cause if cause == "unknown" else f"found:{cause}" if cause else "clear"
        assert got["health.degraded"] == wanted, f"{name}\n{describe(ran.of(name))}"
        assert got["health.unreachable"] == "clear"


VERSIONS: dict[str, tuple[Any, str]] = {
    "long": ({"app": {"version": "1" * (1 << 20)}}, "unknown"),  # the document is larger than the limit
    "shorter": ({"app": {"version": "1" * 900_000}}, "found:old-version-running"),
    "none": ({"app": {}}, "unknown"),
    "null": ({"app": {"version": None}}, "unknown"),
    "blank": ({"app": {"version": ""}}, "unknown"),
    "list": ({"app": {"version": ["1.1.0"]}}, "unknown"),
    "no-app": ({"app": "1.1.0"}, "unknown"),
    "array": ([1, 2], "unknown"),
    "text": ('"1.1.0"', "unknown"),
    "bytes": (b'{"app": {"version": "1.1.0\xff"}}', "unknown"),
    "escapes": ({"app": {"version": "1.1.0" + EVIL}}, "found:old-version-running"),
    "page": (whole(b"<html>1.1.0</html>", "Content-Type: text/html"), "unknown"),
    "kept-from-us": (document({"app": {"version": "1.1.0"}}, status="401 Unauthorized"), "unknown"),
    "right": ({"app": {"version": "1.1.0"}}, "clear"),
}


def test_versions(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems = {}
        for name, (value, _) in VERSIONS.items():
            answer = value if isinstance(value, bytes) and value.startswith(b"HTTP") else document(value)
            system = http(stack.enter_context(FakeServer(healthy_but({INFO: answer}))).url)
            system["http"]["expect_version"] = "1.1.0"
            systems[name] = system
        ran = check(tmp_path, systems, "-k", "version")
    must_be_orderly(ran)
    for name, (_, wanted) in VERSIONS.items():
        assert outcomes(ran.of(name)) == {"health.wrong-version": wanted}, f"{name}\n{describe(ran.of(name))}"


DATES = {
    "none": None,
    "blank": "",
    "words": "the day before yesterday",
    "year-zero": "Thu, 01 Jan 0000 00:00:00 GMT",
    "year-one": "Mon, 01 Jan 0001 00:00:00 GMT",
    "without-a-zone": "Mon, 01 Jan 0001 00:00:00 -0000",
    "far-off": "Fri, 31 Dec 9999 23:59:59 GMT",
    "farther-off": "Fri, 31 Dec 99999 23:59:59 GMT",
    "no-such-day": "Fri, 31 Feb 2026 23:59:59 GMT",
    "endless-zone": "Mon, 04 May 2026 13:44:39 +99999999999999",
    "long": "Mon, " + "0" * 60_000,
    "seconds": "1777902279",
    "not-latin": "\u5468\u4e00, 04 May 2026",
    "twice": "Mon, 04 May 2026 13:44:39 GMT\r\nDate: Mon, 04 May 2020 13:44:39 GMT",
}
TOLD = {"year-one", "far-off", "without-a-zone", "twice", "year-zero"}  # absurd, but valid times


def test_date_headers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems = {}
        for name, date in DATES.items():
            header = [] if date is None else [f"Date: {date}"]
            url = stack.enter_context(FakeServer(saying({"status": "UP"}, *header))).url
            system = http(url)
            system["http"]["direct_url"] = url
            systems[name] = system
        ran = check(tmp_path, systems, "-k", "clock")
    must_be_orderly(ran)
    for name in DATES:
        outcome = ran.of(name)["webhook.clock-drift"]["outcome"]
        assert outcome in (("found", "unknown") if name in TOLD else ("unknown",)), f"{name}\n{describe(ran.of(name))}"


HEADERS = {
    "300-kilobytes": document({"status": "UP"}, "X-Huge: " + "a" * 300_000),
    "300-kilobytes-in-pieces": document({"status": "UP"}, *[f"X-{n}: {'a' * 1000}" for n in range(300)]),
    "200-of-them": document({"status": "UP"}, *[f"X-{n}: 1" for n in range(200)]),
    "raw-escapes": document({"status": "UP"}, "Server: \x1b[31mred\x1b[0m\x07", "Content-Type: \x1b[2J\x9b"),
    "raw-nul": document({"status": "UP"}, "Server: a\0b"),
    "folded": document({"status": "UP"}, "X-Folded: a\r\n b"),
    "status-in-colour": document({"status": "DOWN"}, status="503 \x1b[31mDown\u202e"),
    "status-999": document({"status": "DOWN"}, status="999 Beyond"),
    "status-0": document({"status": "UP"}, status="000 Nothing"),
    "status-long": document({"status": "UP"}, status="2000000000000000000000 OK"),
    "page-in-colour": whole(EVIL.encode(), f"Content-Type: text/{EVIL[:8]}"),
    "odd-charset": whole(b"\xff\xfe" * 50, "Content-Type: application/json; charset=rot13"),
}


def test_headers_and_status_lines(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FakeServer(always(answer))) for name, answer in HEADERS.items()}
        ran = check(tmp_path, {name: http(server.url) for name, server in servers.items()})
    must_be_orderly(ran)
    for name in HEADERS:
        assert ran.of(name)["health.degraded"]["outcome"] in ("clear", "found"), f"{name}\n{describe(ran.of(name))}"
    for name in ("300-kilobytes", "300-kilobytes-in-pieces", "status-in-colour", "status-999", "page-in-colour"):
        assert ran.of(name)["health.degraded"]["outcome"] == "found", f"{name}\n{describe(ran.of(name))}"


def test_gateway_token_is_not_sent_to_other_hosts(tmp_path: Path) -> None:
    """A redirect to another host, port or scheme is a response; it is not followed, and the token is not sent there."""
    elsewhere: list[bytes] = []
    here: list[bytes] = []
    with ExitStack() as stack:
        thief = stack.enter_context(FakeServer(always(document({"status": "UP"}), elsewhere)))
        places = [
            f"http://127.0.0.1:{thief.port}/",
            f"http://localhost:{thief.port}/",
            f"//127.0.0.1:{thief.port}/",
            f"http://127.0.0.1:{thief.port}\\@127.0.0.1/",
            f"http:/\\127.0.0.1:{thief.port}/",
            f"\thttp://127.0.0.1:{thief.port}/",
            f"http://me:secret@127.0.0.1:{thief.port}/",
            "https://127.0.0.1/",
            "file:///etc/passwd",
            "http://[::1/",
            "http://127.0.0.1:99999/",
            "\u200bhttp://x",
            "data:application/json,{}",
        ]
        systems: dict[str, Settings] = {}
        for number, place in enumerate(places):
            for status in ("302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
                answer = whole(b"", f"Location: {place}", status=status)
                server = stack.enter_context(FakeServer(always(answer, here)))
                systems[f"to-{number}-by-{status[:3]}"] = http(server.url)
        ran = check(tmp_path, systems, "-m", "health or webhook", "-k", "not slow")
    must_be_orderly(ran)
    assert not elsewhere
    assert here
    assert all(f"X-Gateway-Token: {TOKEN}".encode() in request for request in here)
    for name in systems:
        got = outcomes(ran.of(name))
        assert got["health.degraded"].startswith("found:"), f"{name}\n{describe(ran.of(name))}"
        assert got["webhook.signature-rejected"] == "unknown", f"{name}\n{describe(ran.of(name))}"


def test_service_that_is_always_slow_is_found_slow(tmp_path: Path) -> None:
    """A measurement that finished in time counts even if a later one did not."""

    def slowly(visit: Visit) -> None:
        visit.request()
        visit.stay_silent(0.8)
        visit.say(document({"status": "UP", "app": {"version": "1.0.9"}}))

    with FakeServer(slowly) as server:
        slow = http(server.url, deadline_s=3.5)
        slow["http"] |= {"timeout_s": 2.5, "slow_ms": 200, "expect_version": "1.1.0"}
        ran = check(tmp_path, {SYSTEM: slow}, "-k", "in_time or version")
    must_be_orderly(ran)
    assert outcomes(ran.of(SYSTEM)) == {
        "health.slow": "found:slow-server",
        "health.wrong-version": "found:old-version-running",
    }, describe(ran.of(SYSTEM))


OK = {"responses": {"200": {"description": "ok"}}}
SELF = {"$ref": "#/components/schemas/a"}


def openapi(**more: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}} | more


def taking(schema: dict[str, Any]) -> dict[str, Any]:
    """Return paths with one operation that has one parameter."""
    return {"/a": {"get": {"parameters": [{"name": "q", "in": "query", "required": True, "schema": schema}], **OK}}}


CONTRACTS: dict[str, Any] = {
    "no-paths": openapi(),
    "array": [],
    "text": "openapi: 3.0.3",
    "paths-of-another-kind": openapi(paths=[1]),
    "path-of-another-kind": openapi(paths={"/a": 7, "/b": {"get": 7}}),
    "a-thousand-paths": openapi(paths={f"/p{n}": {"get": OK} for n in range(1000)}),
    "refers-to-itself": openapi(
        paths={"/a": {"get": {"parameters": [{"$ref": "#/components/parameters/a"}], **OK}}},
        components={"parameters": {"a": {"$ref": "#/components/parameters/a"}}},
    ),
    "endless-schema": openapi(
        paths=taking(SELF),
        components={"schemas": {"a": {"type": "object", "required": ["a"], "properties": {"a": SELF}}}},
    ),
    "endless-pattern": openapi(paths=taking({"type": "string", "pattern": "^(a+)+$", "minLength": 60})),
    "laughing": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "\n".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]" for a, b in pairwise("abcdefghi"))
    + "\nopenapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {x: *i, responses: {'200': {}}}}}",
    "part-of-itself": "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"
    "paths: &p {/a: {get: {responses: {'404': {}}}}, x-p: *p}",
    "security-of-another-kind": openapi(paths={"/a": {"get": {"security": 7, **OK}}, "/b": {"get": OK}}),
    "leads-out": openapi(paths={"/a": {"$ref": "http://127.0.0.1:1/other.json"}}),
    "leads-to-files": openapi(paths={"/a": {"$ref": "file:///etc/passwd"}}),
    "names-in-colour": openapi(paths={f"/{EVIL}": {"get": {"operationId": EVIL, **OK}}}),
}


@pytest.mark.slow
def test_openapi_documents(tmp_path: Path) -> None:
    """A pattern with endless backtracking does not block, and a recursive document uses little memory."""
    with ExitStack() as stack:
        systems = {}
        for name, value in CONTRACTS.items():
            server = stack.enter_context(FakeServer(healthy_but({"/openapi.json": document(value)})))
            deadline_s = 6 if name.startswith("endless") else 25  # each loads a large library, all at once
            systems[name] = http(server.url, symptoms={"contract.violated": {"deadline_s": deadline_s}})
        ran = check(tmp_path, systems, "-m", "contract")
    must_be_orderly(ran, deadline_s=25)
    for name in ("array", "paths-of-another-kind", "laughing", "part-of-itself"):
        assert outcomes(ran.of(name)) == {"contract.violated": "found:document-missing"}, describe(ran.of(name))
    for name in (
        "security-of-another-kind",
        "endless-schema",
        "endless-pattern",
        "leads-out",
        "leads-to-files",
        "no-paths",
    ):
        assert outcomes(ran.of(name)) == {"contract.violated": "unknown"}, f"{name}\n{describe(ran.of(name))}"
