"""What is there to send to a slash command, and what does Slack say of the bot?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from runbook_checks.handles.base import Handle

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.http.client import Answer
    from runbook_checks.probes.providers.slack import Identity

TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
# No app has such a command: one whose door stands open does nothing with it.
HARMLESS = ("/runbook-checks", "synthetic")


class SlashCommand(Handle):
    """The slash command's address: requests signed, unsigned, changed, late."""

    needs = ("slack", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Slack

    def body(self, command: str, text: str) -> bytes:
        """What Slack sends when somebody types a command, marked as synthetic."""
        return urlencode(
            {
                "team_id": "T0CHECKS",
                "team_domain": "runbook-checks",
                "channel_id": "C0CHECKS",
                "channel_name": "runbook-checks",
                "user_id": "U0CHECKS",
                "user_name": "runbook-checks",
                "command": command,
                "text": text,
                "api_app_id": "A0CHECKS",
                "trigger_id": f"runbook-checks-{self.run.id}",
            }
        ).encode()

    @property
    def harmless(self) -> bytes:
        return self.body(*HARMLESS)

    def send(self, body: bytes, headers: dict[str, str]) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.bound.http.send("POST", self.settings.path, headers=form | headers, body=body)

    def signed(self, body: bytes, *, age_s: int = 0) -> dict[str, str]:
        """The headers of a request that Slack made `age_s` seconds ago."""
        from runbook_checks.probes.auth.signing import sign_slack

        timestamp = str(int(time.time()) - age_s)
        secret = self.bound.value(self.settings.signing_secret, "slack") or ""
        return {TIMESTAMP: timestamp, SIGNATURE: sign_slack(secret, timestamp, body)}

    def control(self) -> Answer:
        """A correctly signed request that asks for nothing, made once for all checks."""
        body = self.harmless
        return self.bound.shared.get("slack control", lambda: self.send(body, self.signed(body)))

    def is_refusal(self, answer: Answer) -> bool:
        return answer.status in (401, 403)

    def is_past(self, answer: Answer) -> bool:
        """Past the signature: acknowledged by something that is no page, or refused for what it says."""
        is_page = answer.text.lstrip()[:1] == "<"
        return (200 <= answer.status < 300 and not is_page) or answer.status in (400, 422)


class SlackBot(Handle):
    """The bot, as Slack knows it."""

    needs = ("slack_bot",)
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.SlackBot

    def identity(self) -> Identity:
        from runbook_checks.probes.providers.slack import auth_test

        token = self.bound.value(self.settings.token, "slack_bot") or ""
        url = self.bound.value(self.settings.api_url, "slack_bot") or ""
        headers = {"Authorization": f"Bearer {token}"}
        http = self.bound.opened("slack_bot", lambda: self.bound.http_at(url, "slack_bot", headers=headers))
        return auth_test(http)
