"""APIs that refuse a token with HTTP 200, and front ends that answer every path with their index."""

from __future__ import annotations

import base64
import hmac
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.hostile.product import SECRET, check, describe, must_be_orderly, outcomes
from tests.hostile.services import document
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.misbehaving.server import Handler, Visit

FORGERY, ROLE = "auth.forgery-accepted", "auth.role-not-enforced"
INDEX = whole(b"<!doctype html><html><script src=/app.js></script></html>", "Content-Type: text/html")
ME = {"data": {"me": {"id": 7}}}
ERRORS = {"data": None, "errors": [{"message": "not signed in"}]}
FORBIDDEN = document({"error": "forbidden"}, status="403 Forbidden")
REFUSED = document({"error": "invalid token"}, status="401 Unauthorized")


def token(key: str = SECRET, **claims: Any) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": "7", "role": "user", "exp": 4102444800} | claims)
    message = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{message}.{_encoded(hmac.digest(key.encode(), message.encode(), 'sha256'))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


GENUINE, EXPIRED = token(), token(exp=1_000_000_000)


def api(welcome: Any, refusal: bytes, admin: bytes = FORBIDDEN, takes: str = GENUINE) -> Handler:
    """A service that answers `welcome` to one token, and `refusal` to any other."""

    def handle(visit: Visit) -> None:
        request = visit.request()
        if request.split(b" ")[1:2] == [b"/admin"]:
            visit.say(admin)
        elif takes == "any" or f"Bearer {takes}\r\n".encode() in request:
            visit.say(welcome if isinstance(welcome, bytes) else document(welcome))
        else:
            visit.say(refusal)

    return handle


GRAPHQL = {"protected_query": "{ me { id } }", "protected_field": "data.me"}
NO_USER = document({"data": {"me": None}})
# The service, the settings of auth, and what the checks of forgeries and of roles say.
SERVICES: dict[str, tuple[Callable[[], Handler], dict[str, Any], str, str]] = {
    "right": (lambda: api({"id": 7}, REFUSED), {}, "clear", "clear"),
    "plain-text": (lambda: api(whole(b"hello"), REFUSED), {}, "clear", "clear"),
    "open": (lambda: api({"id": 7}, REFUSED, takes="any"), {}, "found", "clear"),
    "index-for-all": (lambda: api(INDEX, INDEX, INDEX), {}, "unknown", "unknown"),
    "index-for-strangers": (lambda: api({"id": 7}, INDEX, INDEX), {}, "unknown", "unknown"),
    "errors-inside": (lambda: api(ME, document(ERRORS), document(ERRORS)), {}, "unknown", "unknown"),
    "failure-inside": (lambda: api({"id": 7}, document({"success": False})), {}, "unknown", "clear"),
    "graphql": (lambda: api(ME, document(ERRORS)), GRAPHQL, "clear", "clear"),
    "graphql-null": (lambda: api(ME, NO_USER, NO_USER), GRAPHQL | {"admin_field": "data.me"}, "clear", "clear"),
    "graphql-open": (lambda: api(ME, NO_USER, document(ME), "any"), GRAPHQL, "found", "found"),
    "field-of-another-name": (lambda: api(ME, REFUSED), {"protected_field": "data.viewer"}, "unknown", "unknown"),
}


def test_refusals_with_200_are_no_findings(tmp_path: Path) -> None:
    variables = {"LOGIN_TOKEN": GENUINE, "LOGIN_EXPIRED": EXPIRED}
    with ExitStack() as stack:
        systems = {}
        for name, (handler, settings, _, _) in SERVICES.items():
            auth = {"login": "/login", "protected": "/me", "admin": "/admin", **settings}
            auth |= {"token": {"env": "LOGIN_TOKEN"}, "expired_token": {"env": "LOGIN_EXPIRED"}}
            url = stack.enter_context(FakeServer(handler())).url
            systems[name] = {"http": {"base_url": url}, "auth": auth, "symptoms": {FORGERY: None, ROLE: None}}
        ran = check(tmp_path, systems, "-m", "auth", effects="refused", variables=variables)
    must_be_orderly(ran, deadline_s=30)
    got = {name: [outcomes(ran.of(name))[s].partition(":")[0] for s in (FORGERY, ROLE)] for name in SERVICES}
    assert got == {name: [forgery, role] for name, (_, _, forgery, role) in SERVICES.items()}
    for name, hint in {"index-for-all": "auth.protected", "errors-inside": "auth.protected_field"}.items():
        reason = ran.of(name)[FORGERY]["reason"]
        assert f"set {hint} to" in reason, describe(ran.of(name))
