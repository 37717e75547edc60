"""Ask Slack's Web API about a bot token (auth.test, docs.slack.dev)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.json_api import Api, document, malformed, said

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Http

RESOURCE = "slack_bot"


@dataclass(frozen=True)
class Identity:
    """The team and user of a token, or the error that Slack answers."""

    error: str | None  # such as token_revoked
    team: str
    user: str


def auth_test(http: Http) -> Identity:
    """NoReading for an answer that is not Slack's; rate-limited (with retry_after_s) if it stays limited."""
    answer = Api(http, RESOURCE).get("/auth.test")
    if answer.status != 200:
        reason = f"{answer.url} answers HTTP {answer.status}; Slack reports errors inside a 200"
        raise NoReading(RESOURCE, reason, kind="wrong-status")
    found = document(answer, RESOURCE)
    if not isinstance(found.get("ok"), bool):
        raise malformed(RESOURCE, answer, "has no field ok")
    error = None if found["ok"] else said(found.get("error") or "no_error_told")
    return Identity(error, said(found.get("team", "")), said(found.get("user", "")))
