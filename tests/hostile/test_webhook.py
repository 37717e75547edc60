"""A receiver with one response for everything proves nothing about signatures, unless it accepts unsigned ones."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.hostile.product import check, describe, http, must_be_orderly, outcomes
from tests.hostile.services import WEBHOOK, document, healthy_but
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = ("webhook.unsigned-accepted", "webhook.tampered-accepted", "webhook.stale-accepted")
CODE = {"code": "CS_AUTH_4034", "message": "no"}

# The response to every delivery, and the results for a signed one and for those that must be refused.
RECEIVERS = {
    "takes-all": (document({}), "clear", "found:accepted"),
    "takes-all-in-silence": (whole(b"", status="204 No Content"), "clear", "found:accepted"),
    "takes-no-body": (document({"code": "CS_MESSAGE_4001"}, status="400 Bad Request"), "clear", "found:accepted"),
    "fails": (document(CODE, status="500 Internal Server Error"), "unknown", "unknown"),
    "is-overloaded": (whole(b"try later", "Retry-After: 1", status="429 Too Many Requests"), "unknown", "unknown"),
    "leads-elsewhere": (whole(b"", "Location: https://login.example.com/", status="302 Found"), "unknown", "unknown"),
    "is-a-page": (whole(b"<html>Sign in</html>", "Content-Type: text/html"), "unknown", "unknown"),
    "is-a-teapot": (document({}, status="418 I'm a teapot"), "unknown", "unknown"),
    "is-too-small": (whole(b"too large", status="413 Content Too Large"), "unknown", "unknown"),
    "wants-another-type": (whole(b"", status="415 Unsupported Media Type"), "unknown", "unknown"),
    "is-gone": (whole(b"", status="410 Gone"), "unknown", "unknown"),
    "is-not-there": (document({}, status="404 Not Found"), "found:endpoint-missing", "unknown"),
    "takes-no-post": (whole(b"", status="405 Method Not Allowed"), "found:endpoint-missing", "unknown"),
    "refuses-all": (document(CODE, status="403 Forbidden"), "found:secret-mismatch", "unknown"),
    "refuses-all-without-a-code": (whole(b"no", status="403 Forbidden"), "found:None", "unknown"),
    "refuses-all-with-another-status": (document(CODE, status="400 Bad Request"), "found:secret-mismatch", "unknown"),
    "refuses-in-odd-codes": (document({"code": ["CS_AUTH_4034"]}, status="401 Unauthorized"), "found:None", "unknown"),
    "refuses-in-bad-bytes": (document(b'{"code": "\xff\xfe"}', status="403 Forbidden"), "found:None", "unknown"),
    "refuses-at-length": (document({"code": "CS" * 200_000}, status="403 Forbidden"), "found:None", "unknown"),
    "refuses-in-colour": (
        document({"code": "\x1b[31m\u202e\x00\n"}, status="403 Forbidden"),
        "found:None",
        "unknown",
    ),
}


def test_receivers_with_one_response_for_everything(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems = {}
        for name, (answer, _, _) in RECEIVERS.items():
            server = stack.enter_context(FakeServer(healthy_but({WEBHOOK: answer})))
            systems[name] = http(server.url)
        ran = check(tmp_path, systems, "-m", "webhook", effects="refused")
    must_be_orderly(ran)
    for name, (_, signed, others) in RECEIVERS.items():
        got = outcomes(ran.of(name))
        wanted = {"webhook.signature-rejected": signed} | dict.fromkeys(REFUSED, others)
        assert {s: got[s] for s in wanted} == wanted, f"{name}\n{describe(ran.of(name))}"


def test_receiver_with_one_response_and_effects_write(tmp_path: Path) -> None:
    """A refused message does not make a check clear, and messages that were sent are listed."""
    names = ("takes-no-body", "is-a-page", "fails", "leads-elsewhere")
    with ExitStack() as stack:
        servers = {n: stack.enter_context(FakeServer(healthy_but({WEBHOOK: RECEIVERS[n][0]}))) for n in names}
        ran = check(tmp_path, {n: http(s.url) for n, s in servers.items()}, "-m", "webhook", effects="write")
    must_be_orderly(ran)
    for name in names:
        got = outcomes(ran.of(name))
        assert got["webhook.signature-rejected"] == "unknown", f"{name}\n{describe(ran.of(name))}"
