"""Whatever a service publishes as its OpenAPI document, and however it responds, the check ends with a correct result.

The library that reads documents is loaded once, in an isolated process; all documents are read there, over HTTP, each
with a deadline.
"""

from __future__ import annotations

import gzip
import json
import time
from itertools import islice
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.isolated import run_isolated
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.openapi.document import fetch
from runbook_checks.probes.openapi.violations import Violation, _violations
from tests.fuzz.fuzz import fuzzed, mangled, must_be_told, twisted_twice, twists, written
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer, Visit

JSON = "Content-Type: application/json"
CLOSE = "Connection: close"
LOOK_S, LATE_S = 4.0, 2.0
ITEM = {
    "type": "object", "required": ["id"], "additionalProperties": False,
    "properties": {
        "id": {"type": ["string", "null"]},
        "n": {"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0},
        "kids": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}, "maxItems": 3},
    },
    "oneOf": [{"required": ["id"]}, {"not": {"type": "object"}}],
}  # fmt: skip
ONE = {
    "operationId": "one", "security": [{"bearer": []}],
    "parameters": [
        {"name": "q", "in": "query", "required": True, "schema": {"type": "string", "pattern": "^a+$", "enum": ["aa"]},
         "example": "aa", "examples": {"one": {"value": "aaa"}}},
        {"name": "X-H", "in": "header", "schema": {"type": "integer", "minimum": 1}},
        {"name": "c", "in": "cookie", "content": {"application/json": {"schema": {"type": "object"}}}},
    ],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}},
    "responses": {
        "200": {"description": "ok", "headers": {"X-R": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}},
                "links": {"l": {"operationId": "one", "parameters": {"id": "$response.body#/id"}}}},
        "404": {"$ref": "#/components/responses/bad"},
    },
}  # fmt: skip
RIGHT = {
    "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "security": [{"bearer": []}],
    "servers": [{"url": "/v1", "variables": {"a": {"default": "b", "enum": ["b"]}}}],
    "paths": {"/items/{id}": {"parameters": [{"$ref": "#/components/parameters/id"}], "get": ONE}},
    "components": {
        "parameters": {"id": {"name": "id", "in": "path", "required": True,
                              "schema": {"type": "string", "format": "uuid", "maxLength": 40}}},
        "responses": {"bad": {"description": "bad"}},
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "schemas": {"Item": ITEM},
    },
}  # fmt: skip
FINE = {"get": {"responses": {"200": {"description": "ok"}}}}


class Service:
    """Publishes one document after the other, and answers every other request in one way; it records the requests."""

    def __init__(self) -> None:
        self.document = self.answer = b""
        self.asked: list[bytes] = []

    def __call__(self, visit: Visit) -> None:
        seen = visit.request()
        if seen.startswith(b"GET /openapi.json "):
            visit.say(whole(self.document, CLOSE))
        elif seen:
            self.asked.append(seen)
            visit.say(self.answer)


def look(service: Service, url: str, document: bytes) -> list[Violation] | NoReading:
    """Read one document: it must end in time, have a printable result, and send only GET requests to this service."""
    service.document, service.asked = document, []
    http = Http(url, resource="http", timeout_s=3)
    token, begun = current.set(Deadline(LOOK_S)), time.monotonic()
    try:
        found: list[Violation] | NoReading = _violations(
            "/openapi.json", fetch("/openapi.json", http, "openapi"), http, 2, (), "openapi"
        )
    except NoReading as gone:
        must_be_told(gone)
        found = gone
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__}: {error} at {document[:2000]!r}") from error
    finally:
        current.reset(token)
    assert time.monotonic() - begun < LOOK_S + LATE_S, document[:2000]
    host = f"Host: {url.removeprefix('http://')}\r\n".encode()
    for request in service.asked:
        assert request.startswith(b"GET /"), request
        assert host in request, request
        assert request.lower().count(b"\r\nhost:") == 1, request
        assert b"override" not in request.lower(), request
    for violation in [] if isinstance(found, NoReading) else found:
        assert f"{violation.operation}{violation.message}{violation.reproduce}".isprintable(), violation
    return found


def drawn(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    made: list[bytes] = []

    @fuzzed(count)
    @given(strategy)
    def collect(body: bytes) -> None:
        made.append(body)

    collect()
    return made


def outcomes_of_twisted(bodies: list[bytes]) -> dict[str, int]:
    service, seen = Service(), dict[str, int]()
    service.answer = whole(b'{"id": "a"}', JSON, CLOSE)
    with FakeServer(service) as server:
        for body in bodies:
            found = look(service, server.url, body)
            outcome = str(found.kind) if isinstance(found, NoReading) else "found" if found else "clear"
            seen[outcome] = seen.get(outcome, 0) + 1
    return seen


def test_modified_documents() -> None:
    bodies = list(islice(twists(RIGHT), 0, None, 37))
    bodies += drawn(twisted_twice(RIGHT), 50) + drawn(mangled(written(RIGHT)), 30)
    seen = run_isolated(outcomes_of_twisted, bodies, resource="openapi", timeout_s=150)
    assert set(seen) <= {"clear", "found", "document-missing", "external-reference", "nothing-to-look-at",
                         "not-looked-at"}, seen  # fmt: skip
    assert min(seen[outcome] for outcome in ("clear", "document-missing", "not-looked-at")) > 5, seen


def document(paths: Any, **more: Any) -> bytes:
    return json.dumps({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": paths} | more).encode()


def taking(schema: Any, place: str = "query", name: str = "q") -> bytes:
    parameter = {"name": name, "in": place, "required": True, "schema": schema}
    return document(
        {"/{a}" if place == "path" else "/a": {"get": {**FINE["get"], "parameters": [parameter]}}, "/f": FINE}
    )


def giving(schema: Any, kind: str = "application/json") -> bytes:
    content = {"description": "ok", "content": {kind: {"schema": schema}}}
    return document({"/a": {"get": {"responses": {"200": content}}}, "/f": FINE})


def nested(depth: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema, "minItems": 1}
    return schema


SELF = {"$ref": "#/components/schemas/a"}
YAML = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"
PLACES = ["..", "../../x", "//evil.example", "@evil.example", "?x", "#f", "\r\n", "."]
TEMPLATES = [
    "/{", "/{a}{b}", "/{a.b}", "/{a[0]}", "/{0}", "/{a!r:>99}", "//evil.example/x", "/../../x", "http://evil.example/x",
    "@evil.example/x", ":81/x", "/\r\nX: y", "/\u202e", "/%00", "/%", "", "?q", "/#f", "/" + "a" * 60_000,
]  # fmt: skip
# Documents by name, and the result if the service always returns {"id": "a"}.
ODD: dict[str, tuple[bytes, str]] = {
    "enormous-enum": (taking({"enum": [f"v{n}" for n in range(30_000)]}), "clear"),
    "deep-parameter": (taking(nested(100)), "not-looked-at"),
    "deep-answer": (giving(nested(300)), "not-looked-at"),
    "endless-reference": (giving(SELF)[:-1] + b', "components": {"schemas": {"a": %s}}}' % json.dumps(SELF).encode(),
                          "clear"),
    "impossible-value": (taking({"type": "integer", "minimum": 5, "maximum": 4}), "not-looked-at"),
    "number-of-300-digits": (taking({"type": "integer", "minimum": 10**299}), "clear"),
    "divided-by-nothing": (giving({"type": "object", "properties": {"id": {"multipleOf": 0}}}), "not-looked-at"),
    "pattern-that-is-none": (giving({"type": "object", "properties": {"id": {"pattern": "(?<=x*)["}}}), "clear"),
    "other-media-type": (giving({}, "application/xml"), "found"),
    "no-media-type": (giving({}, "application/\u202e; =\x00"), "found"),
    "no-responses": (document({"/a": {"get": {}}, "/f": FINE}), "found"),
    "status-beyond": (document({"/a": {"get": {"responses": {"9999": {}, "abc": {}, "2xx": {}, "": {}}}}}), "clear"),
    "templates": (document(dict.fromkeys(TEMPLATES, FINE)), "not-looked-at"),
    "values-that-lead-out": (taking({"enum": PLACES}, "path", "a"), "clear"),
    "another-host": (document({"/a": FINE}, servers=[{"url": "https://evil.example/\r\nX: y"}]), "clear"),
    "user-as-server": (document({"/a": FINE}, servers=[{"url": "@evil.example/"}]), "clear"),
    "server-without-default": (document({"/a": FINE}, servers=[{"url": "{s}://{h}/{a}"}]), "not-looked-at"),
    "broken-server": (document({"/a": FINE}, servers=[{"url": "http://[::1/"}]), "not-looked-at"),
    "another-host-by-header": (taking({"enum": ["evil.example"]}, "header", "Host"), "clear"),
    "another-method-by-header": (taking({"enum": ["DELETE"]}, "header", "X-HTTP-Method-Override"), "clear"),
    "another-header-by-value": (taking({"enum": ["a\r\nX-Evil: 1"]}, "header", "X"), "not-looked-at"),
    "reference-elsewhere": (giving({"$ref": "http://evil.example/x.json"}), "external-reference"),
    "code-in-yaml": (b"openapi: !!python/object/apply:os.getpid []\npaths: {}", "document-missing"),
    "part-of-itself": (f"{YAML}paths: &p\n  /a: {json.dumps(FINE)}\n  x-p: *p\n".encode(), "document-missing"),
    "nothing-but-itself": (b"&a [*a]", "document-missing"),
    "odd-keys": (f"{YAML}paths:\n  2026-01-01: {json.dumps(FINE)}\n  1: {{get: {{}}}}\n  null: 7".encode(), "found"),
    "paths-twice": (document({"/a": FINE})[:-1] + b', "paths": {}}', "document-missing"),
    "latin-1": (document({"/a": FINE}).replace(b"/a", b"/\xe9"), "document-missing"),
    "too-many-digits": (document({"/a": FINE})[:-1] + b', "x": ' + b"9" * 100_000 + b"}", "document-missing"),
}  # fmt: skip


def outcomes_of_odd(bodies: dict[str, bytes]) -> dict[str, str]:
    service = Service()
    service.answer = whole(b'{"id": "a"}', JSON, CLOSE)
    with FakeServer(service) as server:
        seen = {name: look(service, server.url, body) for name, body in bodies.items()}
    return {name: str(f.kind) if isinstance(f, NoReading) else "found" if f else "clear" for name, f in seen.items()}


def test_odd_documents() -> None:
    seen = run_isolated(
        outcomes_of_odd, {name: body for name, (body, _) in ODD.items()}, resource="openapi", timeout_s=100
    )
    assert seen == {name: wanted for name, (_, wanted) in ODD.items()}


# Responses by name, and the results.
ANSWERS: dict[str, tuple[bytes, str]] = {
    "right": (whole(b'{"id": "a"}', JSON), "clear"),
    "kept-deep": (whole(b'{"id":"a","kids":[' * 200 + b"]}" * 200, JSON), "clear"),
    "cut-off": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
        "connection-reset",
    ),
    "not-a-number": (whole(b'{"id": NaN}', JSON), "schema-mismatch"),
    "beyond-numbers": (whole(b'{"id": "a", "n": 1e999}', JSON), "schema-mismatch"),
    "too-many-digits": (whole(b'{"id": "a", "n": ' + b"9" * 5000 + b"}", JSON), "schema-mismatch"),
    "too-deep": (whole(b"[" * 100_000, JSON), "schema-mismatch"),
    "said-twice": (whole(b'{"id": 1, "id": "a"}', JSON), "schema-mismatch"),
    "latin-1": (whole(b'{"id": "\xe9"}', JSON), "schema-mismatch"),
    "utf-16": (whole('{"id": "a"}'.encode("utf-16"), JSON), "schema-mismatch"),
    "nothing": (whole(b"", JSON), "schema-mismatch"),
    "no-type": (whole(b'{"id": "a"}'), "schema-mismatch"),
    "odd-type": (whole(b'{"id": "a"}', "Content-Type: \x80;;=/"), "schema-mismatch"),
    "page": (whole(b"<p>", "Content-Type: text/html"), "schema-mismatch"),
    "evil-names": (whole(json.dumps({"id": "a", "\u202e\x1b[31m": 1}).encode(), JSON), "schema-mismatch"),
    "many-names": (whole(b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}", JSON), "schema-mismatch"),
    "too-large": (whole(b'"' + b"a" * 2_000_000 + b'"', JSON), "not-looked-at"),
    "gzip": (whole(gzip.compress(b"0" * 5_000_000), JSON, "Content-Encoding: gzip"), "not-looked-at"),
    "many-headers": (whole(b"{}", JSON, *[f"X-{n}: 1" for n in range(150)]), "schema-mismatch"),
    "no-http": (b"\x00\xff\r\n\r\n", "not-looked-at"),
    "elsewhere": (whole(b"", "Location: http://evil.example/", status="302 Found"), "undocumented-status"),
    "beyond-statuses": (whole(b"{}", JSON, status="999 Beyond"), "server-error"),
    "silence": (b"", "connection-reset"),
}


def kinds_of_answers(answers: dict[str, bytes]) -> dict[str, str]:
    service, seen = Service(), dict[str, str]()
    with FakeServer(service) as server:
        for name, answer in answers.items():
            service.answer = answer
            found = look(service, server.url, written(RIGHT))
            seen[name] = str(found.kind) if isinstance(found, NoReading) else found[0].kind if found else "clear"
    return seen


def test_odd_responses() -> None:
    seen = run_isolated(
        kinds_of_answers, {n: answer for n, (answer, _) in ANSWERS.items()}, resource="openapi", timeout_s=100
    )
    assert seen == {name: wanted for name, (_, wanted) in ANSWERS.items()}
