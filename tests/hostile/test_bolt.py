"""Slack's own framework, Bolt for Python, as the far end of the Slack checks."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT
from tests.hostile.product import SECRET, check, describe, must_be_orderly, outcomes
from tests.hostile.services import document
from tests.misbehaving.server import FakeServer, Visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORGERY, COMMAND = "slack.forgery-accepted", "slack.no-response"
TEAM = "T0MINE"


@contextmanager
def bolt(secret: str = SECRET, teams: tuple[str, ...] = ()) -> Iterator[str]:
    """Serve a Bolt application with the command /sales-ai, installed in these teams or in all."""
    from slack_bolt import App, BoltRequest
    from slack_bolt.authorization import AuthorizeResult

    def authorize(team_id: str, **_: Any) -> Any:
        known = AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token="xoxb-1", bot_user_id="U1", bot_id="B1")
        return known if not teams or team_id in teams else None

    app = App(signing_secret=secret, authorize=authorize)
    app.command("/sales-ai")(lambda ack: ack("help"))

    class Served(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers: dict[str, Any] = {name: [value] for name, value in self.headers.items()}
            answer = app.dispatch(BoltRequest(body=body, headers=headers))
            self.send_response(answer.status)
            for name, values in answer.headers.items():
                for value in values:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body.encode())))
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(tmp_path: Path, systems: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, dict[str, str]]:
    """Run the Slack checks and return outcomes by system."""
    runbook = str(PROJECT / "runbooks" / "sales-ai.yaml")
    slack = {"signing_secret": {"env": "PLANTED_SECRET"}, "command": "/sales-ai"}
    given = {
        name: {"runbook": runbook, "http": {"base_url": url}, "slack": slack | more}
        for name, (url, more) in systems.items()
    }
    ran = check(tmp_path, given, "-m", "slack")
    must_be_orderly(ran)
    print({name: describe(ran.of(name)) for name in systems})
    return {name: outcomes(ran.of(name)) for name in systems}


def test_bolt(tmp_path: Path) -> None:
    """Its 404 for an unknown command comes after the signature; its invitation to install is no acknowledgement."""
    with ExitStack() as stack:
        everywhere, several, other = (
            stack.enter_context(served) for served in (bolt(), bolt(teams=(TEAM,)), bolt("another-signing-secret"))
        )
        seen = run(
            tmp_path,
            {
                "one-team": (everywhere, {}),
                "known-command": (everywhere, {"harmless_command": "/sales-ai"}),
                "not-installed": (several, {}),
                "installed": (several, {"team_id": TEAM}),
                "other-secret": (other, {}),
                "no-command": (everywhere, {"command": "/another"}),
            },
        )
    wanted = {
        "one-team": ("clear", "clear"),
        "known-command": ("clear", "clear"),
        "not-installed": ("clear", "unknown"),
        "installed": ("clear", "clear"),
        "other-secret": ("unknown", "found:signature-rejected"),
        "no-command": ("clear", "found:endpoint-missing"),
    }
    assert {name: (got[FORGERY], got[COMMAND]) for name, got in seen.items()} == wanted


def test_refusal_of_the_workspace_is_no_refusal_of_the_signature(tmp_path: Path) -> None:
    def app(visit: Visit) -> None:
        asked = visit.request()
        if asked:
            error = "unknown workspace" if b"X-Slack-Signature" in asked else "invalid signature"
            visit.say(document({"error": error}, status="401 Unauthorized"))

    def opaque(visit: Visit) -> None:
        if visit.request():
            visit.say(document({"error": "no"}, status="401 Unauthorized"))

    with FakeServer(app) as several, FakeServer(opaque) as one:
        seen = run(tmp_path, {"several": (several.url, {}), "one": (one.url, {})})
    assert (seen["several"][COMMAND], seen["one"][COMMAND]) == ("unknown", "found:signature-rejected")


def test_forged_slack_signatures_that_are_nearly_right(tmp_path: Path) -> None:
    """An application that compares only the first ten characters of `v0=...` accepts forgeries."""
    import hashlib
    import hmac
    import time

    def comparing(part: slice) -> Any:
        def app(visit: Visit) -> None:
            head, _, body = visit.request().partition(b"\r\n\r\n")
            lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
            headers = {name: value for name, _, value in lines}
            at, given = headers.get("X-Slack-Request-Timestamp", "0"), headers.get("X-Slack-Signature", "")
            right = "v0=" + hmac.new(SECRET.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
            is_right = abs(time.time() - int(at)) < 300 and right[part] == given[part]
            visit.say(document({}, status="200 OK" if is_right else "401 Unauthorized"))

        return app

    parts = {"first-ten": slice(10), "last-ten": slice(-10, None), "whole": slice(None)}
    with ExitStack() as stack:
        urls = {name: stack.enter_context(FakeServer(comparing(part))).url for name, part in parts.items()}
        seen = run(tmp_path, {name: (url, {}) for name, url in urls.items()})
    found = "found:tampered-accepted"
    assert {name: got[FORGERY] for name, got in seen.items()} == {
        "first-ten": found,
        "last-ten": found,
        "whole": "clear",
    }
