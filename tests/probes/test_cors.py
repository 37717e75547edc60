"""What pages of other origins may do, according to the response headers of a service."""

from __future__ import annotations

from runbook_checks.probes.http.client import Http
from runbook_checks.probes.http.cors import Grant, ask, grant
from tests.hostile.services import always, document
from tests.misbehaving.server import FakeServer


def granted(*headers: str) -> Grant:
    with FakeServer(always(document({}, *headers))) as server:
        return grant(Http(server.url).send("OPTIONS", "/"))


def test_response_without_cors_headers_allows_nothing() -> None:
    reported = granted("Vary: Origin")
    assert (reported.says_anything, reported.origin, reported.credentials) == (False, None, False)
    assert reported.refused_methods(["GET", "head", "POST", "PUT"], credentials=False) == ["PUT"]
    assert reported.refused_headers(["Accept", "content-language", "X-Key"], credentials=False) == ["X-Key"]


def test_names_are_compared_case_insensitively() -> None:
    reported = granted(
        "Access-Control-Allow-Methods: put, ,Delete", "Access-Control-Allow-Headers: X-Key ,authorization"
    )
    assert (reported.says_anything, reported.methods, reported.headers) == (
        True,
        frozenset({"PUT", "DELETE"}),
        frozenset({"x-key", "authorization"}),
    )
    for credentials in (True, False):
        assert reported.refused_methods(["put", "DELETE", "PATCH"], credentials=credentials) == ["PATCH"]
        wanted = ["x-KEY", "Authorization", "X-Other"]
        assert reported.refused_headers(wanted, credentials=credentials) == ["X-Other"]


def test_star_excludes_authorization_and_credentials() -> None:
    reported = granted("Access-Control-Allow-Methods: *", "Access-Control-Allow-Headers: *")
    methods, headers = ["GET", "PUT"], ["X-Key", "Authorization", "Accept"]
    assert reported.refused_methods(methods, credentials=False) == []
    assert reported.refused_methods(methods, credentials=True) == ["PUT"]
    assert reported.refused_headers(headers, credentials=False) == ["Authorization"]
    assert reported.refused_headers(headers, credentials=True) == ["X-Key", "Authorization"]
    both = granted("Access-Control-Allow-Headers: *, Authorization")
    assert both.refused_headers(headers, credentials=False) == []


def test_credentials_are_allowed_only_by_true() -> None:
    for said, is_allowed in (("true", True), ("True", False), ("false", False), ("1", False)):
        reported = granted(f"Access-Control-Allow-Credentials: {said}", "Access-Control-Allow-Origin: https://a.test")
        assert (reported.credentials, reported.origin) == (is_allowed, "https://a.test")


def test_a_preflight_names_method_and_headers() -> None:
    assert ask("PUT", ["X-Key", "Accept"], "https://a.test") == {
        "Origin": "https://a.test",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "accept,x-key",
    }
    assert "Access-Control-Request-Headers" not in ask("PUT", [], "https://a.test")
