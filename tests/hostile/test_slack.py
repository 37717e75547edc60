"""A slash command with one response for everything proves nothing about signatures, unless it accepts forged ones."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT
from tests.hostile.product import check, describe, must_be_orderly, outcomes
from tests.hostile.services import document, healthy_but
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/slack/commands"
FORGERY, COMMAND = "slack.forgery-accepted", "slack.no-response"
ALL = "found:stale-accepted:tampered-accepted:unsigned-accepted"
# The response to everything, and the results for forged requests and for a signed one.
COMMANDS = {
    "takes-all": (document({"text": "hello"}), ALL, "clear"),
    "takes-all-in-silence": (whole(b""), ALL, "clear"),
    "knows-no-command": (document({"error": "what?"}, status="400 Bad Request"), ALL, "found:None"),
    "refuses-all": (document({}, status="401 Unauthorized"), "unknown", "found:signature-rejected"),
    "fails": (document({}, status="500 Internal Server Error"), "unknown", "found:server-error"),
    "is-overloaded": (whole(b"", "Retry-After: 1", status="429 Too Many Requests"), "unknown", "unknown"),
    "leads-elsewhere": (
        whole(b"", "Location: https://login.example.com/", status="302 Found"),
        "unknown",
        "found:None",
    ),
    "is-not-there": (document({}, status="404 Not Found"), "unknown", "found:endpoint-missing"),
    "takes-no-post": (whole(b"", status="405 Method Not Allowed"), "unknown", "found:endpoint-missing"),
    "is-a-page": (whole(b"<html>Sign in</html>", "Content-Type: text/html"), "unknown", "unknown"),
}


def system(url: str) -> dict[str, Any]:
    runbook = str(PROJECT / "runbooks" / "sales-ai.yaml")
    return {"runbook": runbook, "http": {"base_url": url}, "slack": {"signing_secret": {"env": "PLANTED_SECRET"}}}


def test_commands_with_one_response_for_everything(tmp_path: Path) -> None:
    with ExitStack() as stack:
        systems = {}
        for name, (answer, _, _) in COMMANDS.items():
            server = stack.enter_context(FakeServer(healthy_but({PATH: answer})))
            systems[name] = system(server.url)
        ran = check(tmp_path, systems, "-m", "slack")
    must_be_orderly(ran)
    for name, (_, forged, signed) in COMMANDS.items():
        got = outcomes(ran.of(name))
        assert (got[FORGERY], got[COMMAND]) == (forged, signed), f"{name}\n{describe(ran.of(name))}"
