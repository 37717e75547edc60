"""Responses that violate the OpenAPI document, and cases that cannot be decided."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.openapi.violations import Violation, violations
from tests.probes.conftest import only, taking

ITEM = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
    },
}
JSON = "application/json"


class Service:
    """A service that publishes a document and responds by path; it records the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str, Any]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.pause_s = 0.0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                service.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                if path != "/openapi.json":
                    time.sleep(service.pause_s)
                found = service.answers.get(path) or service.answers.get(path.rpartition("/")[0] + "/*")
                status, content_type, body = found or (404, JSON, {"detail": "Not Found"})
                if status == 0:
                    self.close_connection = True
                    return
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": content_type, **service.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, document: Any) -> None:
        self.answers["/openapi.json"] = (200, JSON, document)

    def look(self, document: str = "/openapi.json", base: str = "", **more: Any) -> list[Violation]:
        return violations(document, Http(self.url + base, run_id="r1"), **more)

    def operations_asked(self) -> list[str]:
        return [path for _, path, _ in self.asked if urlsplit(path).path != "/openapi.json"]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def get(schema: Any = None, **more: Any) -> dict[str, Any]:
    """Return an operation that promises 200 with such a body."""
    answer: dict[str, Any] = {"description": "fine"}
    if schema is not None:
        answer["content"] = {JSON: {"schema": schema}}
    return {"get": {"responses": {"200": answer}, **more}}


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Item": ITEM}, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        **more,
    }


def parameter(name: str, place: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": schema, **more}


SELF = {"$ref": "#/components/schemas/Item"}
TREE = {"id": "a", "children": [{"id": "b", "children": []}]}


def test_responses_that_match_the_document(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = parameter("state", "query", {"enum": ["open", "closed"]})
    trace = parameter("X-Trace", "header", {"type": "string", "minLength": 2})
    seen = parameter("seen", "cookie", {"type": "integer"})
    paths = {
        "/items": get(SELF, parameters=[state, trace, seen]),
        "/items/{id}": get(SELF, parameters=[parameter("id", "path", {"type": "integer", "minimum": 1})]),
        "/orders": {"post": {"responses": {"201": {"description": "made"}}}, **get(), "delete": {"responses": {}}},
    }
    service.publish(document(paths))
    service.answers |= {"/items": (200, JSON, TREE), "/items/*": (200, JSON, TREE), "/orders": (200, JSON, {})}
    assert service.look() == []
    assert {method for method, _, _ in service.asked} == {"GET"}
    items = [(path, headers) for _, path, headers in service.asked if path.startswith("/items?")]
    assert 1 <= len(items) <= 3
    assert all(parse_qs(urlsplit(path).query)["state"][0] in ("open", "closed") for path, _ in items)
    assert all("seen=" in headers["cookie"] and "x-trace" in headers for _, headers in items)
    assert all(int(path.removeprefix("/items/")) >= 1 for path in service.operations_asked() if "/items/" in path)
    assert all(headers["user-agent"].startswith("runbook-checks/") for _, _, headers in service.asked)
    assert all("r1" in headers["user-agent"] for _, _, headers in service.asked)
    assert not any("schemathesis" in str(headers).lower() for _, _, headers in service.asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((418, JSON, {}), "undocumented-status", "418"),
        ((302, JSON, {}), "undocumented-status", "302"),
        ((500, JSON, {}), "server-error", "500"),
        ((200, JSON, {"id": 17}), "schema-mismatch", "/id: it is a number and breaks type"),
        ((200, JSON, {"id": "a", "children": [{"id": "b"}, {"id": None}]}), "schema-mismatch", "/children/1/id"),
        ((200, JSON, {}), "schema-mismatch", '"id" is a required property'),
        ((200, JSON, "{"), "schema-mismatch", "The 200 answer is not JSON"),
        ((200, JSON, '{"id": "a", "id": 1}'), "schema-mismatch", "twice"),
        ((200, "application/problem+json; a=b", '{"id": NaN}'), "schema-mismatch", "The 200 answer is not JSON"),
        ((200, "text/html", "<p>"), "schema-mismatch", "text/html"),
    ],
)
def test_each_kind_of_violation(service: Service, answer: tuple[int, str, Any], kind: str, said: str) -> None:
    service.publish(document({"/fine": get(), "/items": get(SELF)}))
    service.answers |= {"/fine": (200, JSON, {}), "/items": answer}
    service.headers = {"Location": "/fine"} if answer[0] == 302 else {}
    (found,) = service.look()
    assert (found.operation, found.kind, found.status) == ("GET /items", kind, answer[0])
    assert said in found.message
    assert len(found.message) <= 200
    assert found.reproduce == f"curl -sS -i -X GET {service.url}/items"


def test_values_of_an_answer_are_not_shown(service: Service) -> None:
    service.publish(
        document({"/items": get({"type": "object", "properties": {"mail": {"type": "string", "maxLength": 3}}})})
    )
    service.answers["/items"] = (200, JSON, {"mail": "somebody@example.org"})
    (found,) = service.look()
    assert "maxLength: 3" in found.message
    assert "somebody" not in repr(found)


@pytest.mark.parametrize(("listed", "kinds"), [("500", []), ("5XX", []), ("default", ["server-error"])])
def test_server_error_is_only_allowed_by_its_own_status(service: Service, listed: str, kinds: list[str]) -> None:
    operation = get(SELF)
    operation["get"]["responses"][listed] = {"description": "not today"}
    service.publish(document({"/items": operation}))
    service.answers["/items"] = (500, JSON, {})
    assert [found.kind for found in service.look()] == kinds


def test_one_violation_per_operation_and_kind_in_the_documents_order(service: Service) -> None:
    limit = parameter("limit", "query", {"type": "integer"})
    service.publish(document({path: get(SELF, parameters=[limit]) for path in ("/b", "/a", "/c")}))
    service.answers |= {"/b": (200, JSON, {}), "/a": (500, JSON, {}), "/c": (200, JSON, TREE)}
    found = service.look(max_examples=5)
    assert [(v.operation, v.kind) for v in found] == [("GET /b", "schema-mismatch"), ("GET /a", "server-error")]
    asked = service.operations_asked()
    assert asked.count(asked[0]) == 1
    assert [urlsplit(path).path for path in asked[:3]] == ["/b", "/a", "/c"]
    service.asked.clear()
    assert service.look(max_examples=5) == found
    assert service.operations_asked() == asked


def test_examples_of_the_document_come_first(service: Service) -> None:
    known = parameter("id", "path", {"type": "string"}, example="known-1")
    service.publish(document({"/items/{id}": get(SELF, parameters=[known])}))
    service.answers["/items/*"] = (200, JSON, TREE)
    assert service.look(max_examples=1) == []
    assert service.operations_asked() == ["/items/known-1"]


def test_operations_can_be_left_out(service: Service) -> None:
    service.publish(document({"/a": get(), "/b": get()}))
    service.answers["/a"] = (200, JSON, {})
    assert service.look(ignore=("get /b",)) == []
    assert service.operations_asked() == ["/a"]


def test_a_document_in_a_yaml_file(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "openapi.yaml"
    operation = get({"$ref": "item.yaml#/Item"}, parameters=[parameter("day", "query", {"type": "string"})])
    operation["get"]["responses"] = {200: operation["get"]["responses"]["200"]}
    file.write_text(yaml.safe_dump(document({"/items": operation})))
    (tmp_path / "item.yaml").write_text(yaml.safe_dump({"Item": {"type": "object", "required": ["id"]}}))
    service.answers["/items"] = (200, JSON, {"id": 1})
    assert service.look(str(file)) == []
    service.answers["/items"] = (200, JSON, {})
    assert [found.kind for found in service.look(str(file))] == ["schema-mismatch"]


@pytest.mark.parametrize(
    ("base", "server", "asked"),
    [
        ("", "/v1", "/v1/items"),
        ("/v1", "/v1", "/v1/items"),
        ("/proxied", "/", "/proxied/items"),
        ("/v1", "https://elsewhere.example/v1", "/v1/items"),
        ("", "https://elsewhere.example/v1/", "/v1/items"),
        ("", "v1", "/v1/items"),
    ],
)
def test_servers_of_the_document_give_the_path_below_the_base(
    service: Service, tmp_path: Path, base: str, server: str, asked: str
) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document({"/items": get()}, servers=[{"url": server}])))
    service.answers[asked] = (200, JSON, {})
    assert service.look(str(file), base) == []
    assert service.operations_asked() == [asked]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, JSON, {}), "document-missing"),
        ((200, "text/html", "<html><body>Swagger</body></html>"), "document-missing"),
        ((200, JSON, "{"), "document-missing"),
        ((200, JSON, []), "document-missing"),
        ((200, JSON, {"status": "UP"}), "document-missing"),
        ((200, JSON, {"openapi": "3.1.0", "paths": []}), "document-missing"),
        ((200, JSON, "[" * 100_000), "document-missing"),
        ((401, JSON, {}), "wrong-status"),
        ((403, JSON, {}), "wrong-status"),
        ((503, JSON, {}), "wrong-status"),
    ],
)
def test_unreadable_document(service: Service, answer: tuple[int, str, Any], kind: str) -> None:
    service.answers["/openapi.json"] = answer
    with pytest.raises(NoReading) as caught:
        service.look()
    assert (caught.value.kind, caught.value.evidence["status"]) == (kind, answer[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"- a\n- b\n", b"{ not: [yaml"])
def test_no_document_in_the_file(service: Service, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "openapi.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NoReading) as caught:
        violations(str(file.relative_to("/")) if content is None else str(file), Http(service.url))
    assert caught.value.kind == "document-missing"
    assert service.asked == []


@pytest.mark.parametrize("paths", [{}, {"/orders": {"post": {"responses": {"201": {"description": "made"}}}}}])
def test_document_without_a_checkable_operation(service: Service, paths: dict[str, Any]) -> None:
    service.publish(document(paths))
    with pytest.raises(NoReading) as caught:
        service.look()
    assert caught.value.kind == "nothing-to-look-at"


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/x.json", "file:///etc/hostname", "other.json#/a"])
def test_external_references_are_not_followed(service: Service, reference: str) -> None:
    service.publish(document({"/items": get({"$ref": reference})}))
    with pytest.raises(NoReading) as caught:
        service.look()
    assert caught.value.kind == "external-reference"
    assert service.operations_asked() == []


def test_external_examples_are_not_fetched(service: Service) -> None:
    examples = {"one": {"externalValue": f"{service.url}/outside"}}
    service.publish(
        document({"/items": get(parameters=[parameter("q", "query", {"type": "string"}, examples=examples)])})
    )
    service.answers["/items"] = (200, JSON, {})
    assert service.look() == []
    assert not any("outside" in path for path in service.operations_asked())


def test_operation_that_cannot_be_called_is_not_clear(service: Service) -> None:
    nowhere = get(parameters=[parameter("q", "query", {"$ref": "#/components/schemas/Gone"})])
    service.publish(document({"/fine": get(), "/broken": nowhere}))
    service.answers |= {"/fine": (200, JSON, {}), "/broken": (200, JSON, {})}
    with pytest.raises(NoReading, match="1 of 2 operations were not looked at: GET /broken") as caught:
        service.look()
    assert caught.value.kind == "not-looked-at"
    service.answers["/fine"] = (500, JSON, {})
    assert [found.kind for found in service.look()] == ["server-error"]


@pytest.mark.parametrize("status", [401, 403])
def test_no_credentials_are_made_up_and_a_refusal_is_no_reading(service: Service, status: int) -> None:
    service.publish(document({"/items": get(security=[{"bearer": []}])}))
    service.answers["/items"] = (status, JSON, {})
    with pytest.raises(NoReading, match=f"refused with {status}") as caught:
        service.look()
    assert caught.value.kind == "not-looked-at"
    assert not any("authorization" in headers for _, _, headers in service.asked)


def test_configured_headers_have_priority_and_are_not_in_the_command(service: Service) -> None:
    service.publish(document({"/items": get(parameters=[parameter("X-Key", "header", {"type": "string"})])}))
    service.answers["/items"] = (500, JSON, {})
    (found,) = violations("/openapi.json", Http(service.url, headers={"x-key": "s3cret"}))
    assert {headers["x-key"] for _, _, headers in service.asked} == {"s3cret"}
    assert "s3cret" not in repr(found)


def test_operations_not_checked_in_time_are_reported(service: Service) -> None:
    service.publish(document({f"/{n}": get() for n in range(12)}))
    service.answers |= {f"/{n}": (200, JSON, {}) for n in range(12)}
    assert service.look() == []
    service.pause_s = 0.45
    with only(6), taking(6.5), pytest.raises(NoReading, match=r"[0-9]+ of 12 operations were not looked at") as caught:
        service.look()
    assert caught.value.kind == "not-looked-at"
    service.answers["/0"] = (500, JSON, {})
    with only(6), taking(6.5):
        assert [found.operation for found in service.look()] == ["GET /0"]


def test_endless_pattern_is_ended(service: Service) -> None:
    """A regular expression blocks the interpreter, so it runs in another process, which is killed."""
    endless = parameter("q", "query", {"type": "string", "pattern": "^(a+)+$", "minLength": 60}, required=True)
    service.publish(document({"/a": get(parameters=[endless])}))
    with only(3), taking(4.5), pytest.raises(NoReading, match=r"timed out after|out of time") as caught:
        service.look()
    assert caught.value.kind in ("timeout", "not-looked-at")


def test_service_that_disconnects_is_no_violation_unless_one_was_found_before(service: Service) -> None:
    service.publish(document({"/a": get(), "/b": get()}))
    service.answers |= {"/a": (200, JSON, {}), "/b": (0, "", "")}
    with pytest.raises(NoReading) as caught:
        service.look()
    assert caught.value.resource == "http"
    service.answers["/a"] = (500, JSON, {})
    assert [found.operation for found in service.look()] == ["GET /a"]


def test_several_threads_check_at_once(service: Service) -> None:
    limit = parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 50})
    service.publish(document({"/a": get(SELF, parameters=[limit]), "/b": get()}))
    service.answers |= {"/a": (200, JSON, {}), "/b": (200, JSON, {})}
    alone = service.look()
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda _: service.look(), range(12))) == [alone] * 12
