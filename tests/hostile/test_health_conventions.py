"""Health and version documents as other services write them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.hostile.product import Settings, check, describe, http, must_be_orderly, outcomes
from tests.hostile.services import INFO, OVERALL, always, document, healthy_but
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.server import Visit

UP = {"status": "UP"}
DOWN, CLEAR, UNKNOWN, STATE = "found:component-down", "clear", "unknown", "found:status-down"

# A health document, the settings of http.health beyond its paths, and what health.degraded says.
DOCUMENTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    # A component that is down below a good overall state.
    "boolean-component": ({**UP, "components": {"database": False, "cache": True}}, {}, DOWN),
    "boolean-checks": ({**UP, "checks": {"database": False}}, {}, DOWN),
    "boolean-in-component": ({**UP, "components": {"database": {"healthy": False}}}, {}, DOWN),
    "healthy-false": ({**UP, "healthy": False}, {}, DOWN),
    "database-false": ({**UP, "database": False}, {}, UNKNOWN),
    "database-false-left-out": ({**UP, "database": False}, {"ignore": ["database"]}, CLEAR),
    "database-disconnected": ({**UP, "database": "disconnected"}, {}, UNKNOWN),
    "ietf-fail": ({"status": "pass", "checks": {"db:time": [{"status": "pass"}, {"status": "fail"}]}}, {}, DOWN),
    "ietf-pass": ({"status": "pass", "checks": {"db:time": [{"status": "pass", "observedValue": 9}]}}, {}, CLEAR),
    "ietf-warn": ({"status": "pass", "checks": {"cpu": [{"status": "warn"}]}}, {}, CLEAR),
    "microprofile": ({**UP, "checks": [{"name": "db", "status": "UP"}, {"name": "mq", "status": "DOWN"}]}, {}, DOWN),
    "aspnet": ({"status": "Healthy", "entries": {"sql": {"status": "Unhealthy"}}}, {}, DOWN),
    "terminus": ({"status": "ok", "details": {"redis": {"status": "down"}}}, {}, DOWN),
    "nested": ({**UP, "components": {"db": {**UP, "components": {"replica": {"status": "DOWN"}}}}}, {}, DOWN),
    "nested-elsewhere": ({**UP, "report": {"parts": [{"name": "mail", "status": "OUT_OF_SERVICE"}]}}, {}, DOWN),
    # Healthy documents.
    "spring": ({**UP, "components": {"db": {**UP, "details": {"database": "H2", "result": 1}}, "ping": UP}}, {}, CLEAR),
    "spring-unknown": ({**UP, "components": {"discovery": {"status": "UNKNOWN"}}}, {}, CLEAR),
    "disabled": ({**UP, "components": {"mail": "disabled", "sms": {"status": "not_configured"}}}, {}, CLEAR),
    "modes": ({**UP, "debug": False, "maintenance": False, "uptime": 77, "version": "1.1.0"}, {}, CLEAR),
    "numbers": ({**UP, "components": {"uptime": 77, "load": 0.5, "db": "UP"}}, {}, CLEAR),
    "names-only": ({**UP, "components": ["db", "mail"]}, {}, CLEAR),
    "groups": ({**UP, "groups": ["liveness", "readiness"]}, {}, CLEAR),
    # A word of no list.
    "word-of-a-component": ({**UP, "components": {"redis": "connected"}}, {}, UNKNOWN),
    "word-allowed": ({**UP, "components": {"redis": "connected"}}, {"healthy": ["UP", "connected"]}, CLEAR),
    "word-overall": ({"status": "green"}, {}, UNKNOWN),
    "word-declared": ({"status": "green"}, {"unhealthy": ["green"]}, STATE),
    "word-with-503": (document({"status": "green"}, status="503 Service Unavailable"), {}, STATE),
    "up-with-503": (document(UP, status="503 Service Unavailable"), {}, STATE),
    "unused-with-down": ({"status": "DOWN", "components": {"mail": {"status": "UNKNOWN"}}}, {}, STATE),
    # Booleans.
    "ok-true": ({"ok": True}, {"status_field": "ok"}, CLEAR),
    "ok-false": ({"ok": False}, {"status_field": "ok"}, STATE),
    "ok-not-configured": ({"ok": True}, {}, UNKNOWN),
    "no-state": ({"service": "landing-page"}, {}, "found:wrong-document"),
    # Plain text.
    "text": (whole(b"OK\n", "Content-Type: text/plain"), {"format": "text"}, CLEAR),
    "text-down": (whole(b"Unhealthy", "Content-Type: text/plain"), {"format": "text"}, STATE),
    "text-other": (whole(b"hello", "Content-Type: text/plain"), {"format": "text"}, UNKNOWN),
    "text-empty": (whole(b""), {"format": "text"}, "found:wrong-document"),
    "text-page": (whole(b"<!doctype html><title>OK</title>"), {"format": "text"}, "found:not-json"),
    "text-not-configured": (whole(b"OK", "Content-Type: text/plain"), {}, UNKNOWN),
    "text-of-something-else": (whole(b"It works!", "Content-Type: text/plain"), {}, "found:not-json"),
}


def system(url: str, **health: Any) -> Settings:
    settings = http(url)
    settings["http"]["health"] = {"path": OVERALL, "healthy": ["UP", "ok", "healthy", "pass"], **health}
    return settings


def test_health_documents_of_other_conventions(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems = {}
        for name, (value, health, _) in DOCUMENTS.items():
            answer = value if isinstance(value, bytes) else document(value)
            systems[name] = system(stack.enter_context(FakeServer(always(answer))).url, **health)
        ran = check(tmp_path, systems, "-k", "overall_health or 5xx")
    must_be_orderly(ran)
    got = {name: outcomes(ran.of(name))["health.degraded"] for name in DOCUMENTS}
    assert got == {name: wanted for name, (_, _, wanted) in DOCUMENTS.items()}
    named = {
        "ietf-fail": "db:time",
        "microprofile": "mq",
        "nested": "db.components.replica",
        "terminus": "details.redis",
    }
    for name, component in named.items():
        assert ran.of(name)["health.degraded"]["findings"][0]["evidence"]["component"] == component
    hint = ran.of("ok-not-configured")["health.degraded"]["reason"]
    assert "set http.health.status_field" in hint, describe(ran.of("ok-not-configured"))


VERSIONS = {
    "text": (b"1.1.0\n", "clear"),
    "old": (b"1.0.9", "found:old-version-running"),
    "page": (b"<html>1.1.0</html>", "unknown"),
    "lines": (b"1.1.0\nbuilt today", "unknown"),
    "empty": (b"", "unknown"),
}


def test_version_as_plain_text(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems = {}
        for name, (body, _) in VERSIONS.items():
            server = FakeServer(healthy_but({INFO: whole(body, "Content-Type: text/plain", "Connection: close")}))
            settings = http(stack.enter_context(server).url)
            settings["http"] |= {"expect_version": "1.1.0", "version": {"path": INFO, "format": "text"}}
            systems[name] = settings
        ran = check(tmp_path, systems, "-k", "version")
    got = {name: outcomes(ran.of(name))["health.wrong-version"] for name in VERSIONS}
    assert got == {name: wanted for name, (_, wanted) in VERSIONS.items()}


FAILURES = {
    "json": (document({"error": {"message": "no database"}}, status="500 Oops"), "HTTP 500: no database"),
    "long": (whole(b"x" * 5000 + b" caused by: disk full", status="500 Oops"), "caused by: disk full"),
    "page": (whole(b"<html><title>Bad gateway</title></html>", status="502 Bad"), "HTTP 502: Bad gateway"),
    "later": (whole(b"", "Retry-After: 120", status="503 Later"), "HTTP 503 (Retry-After: 120)"),
}


def test_server_error_is_quoted_with_its_reason(tmp_path: Path) -> None:
    with ExitStack() as stack:
        urls = {name: stack.enter_context(FakeServer(always(answer))).url for name, (answer, _) in FAILURES.items()}
        ran = check(tmp_path, {name: http(url) for name, url in urls.items()}, "-k", "5xx")
    must_be_orderly(ran)
    for name, (_, reason) in FAILURES.items():
        [finding] = ran.of(name)["health.server-error"]["findings"]
        assert reason in finding["seen"], finding["seen"]


REDIRECT = whole(b"", "Location: https://login.example.com/in?token=abc", status="302 Found")


def test_key_function(tmp_path: Path) -> None:
    """A function without a response is found if the service responds, and unknown if it does not."""

    def hangs(visit: Visit) -> None:
        if b"/orders" in visit.request():
            visit.stay_silent(5)
        visit.say(document(UP))

    handlers = {
        "hangs": (hangs, "found:None"),
        "all-silent": (lambda visit: visit.stay_silent(5), "unknown"),
        "moved": (healthy_but({"/orders": REDIRECT}), "found:wrong-status"),
        "works": (healthy_but({}), "clear"),
    }
    with ExitStack() as stack:
        systems = {}
        for name, (handler, _) in handlers.items():
            settings = http(stack.enter_context(FakeServer(handler)).url, timeout_s=0.6)
            settings["http"]["key_functions"] = [{"name": "orders", "path": "/orders"}]
            systems[name] = settings | {"symptoms": {"health.key-function": None}}
        ran = check(tmp_path, systems, "-k", "key_functions")
    assert {name: outcomes(ran.of(name))["health.key-function"] for name in handlers} == {
        name: wanted for name, (_, wanted) in handlers.items()
    }
    [moved] = ran.of("moved")["health.key-function"]["findings"]
    assert moved["seen"] == "HTTP 302 to https://login.example.com/in"
