"""Send requests to a slash command as Slack does, and ask Slack about the bot."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from runbook_checks.handles.base import Handle

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.auth.signing import Signature
    from runbook_checks.probes.http.client import Answer
    from runbook_checks.probes.providers.slack import Identity

# Bolt's responses to a command without a listener, and to one of a workspace that has not installed the app (HTTP 200).
UNHANDLED = "unhandled request"
NOT_INSTALLED = re.compile(r"install (?:this|the) app|installation .{0,80}no longer available", re.IGNORECASE)


class SlashCommand(Handle):
    """The slash command: requests signed, unsigned, changed, late."""

    needs = ("slack", "http")
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Slack

    def body(self, command: str, text: str) -> bytes:
        """The form that Slack sends for a typed command, marked as synthetic."""
        return urlencode(
            {
                "team_id": self.settings.team_id,
                "team_domain": "runbook-checks",
                "channel_id": "C0CHECKS",
                "channel_name": "runbook-checks",
                "user_id": self.settings.user_id,
                "user_name": "runbook-checks",
                "command": command,
                "text": text,
                "api_app_id": "A0CHECKS",
                "trigger_id": f"runbook-checks-{self.run.id}",
            }
        ).encode()

    @property
    def harmless(self) -> bytes:
        return self.body(self.settings.harmless_command, "synthetic")

    def send(self, body: bytes, headers: dict[str, str]) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.bound.http.send("POST", self.settings.path, headers=form | headers, body=body)

    def signed(self, body: bytes, *, age_s: int = 0) -> Signature:
        """Sign a request that Slack made `age_s` seconds ago."""
        from runbook_checks.probes.auth.signing import SCHEMES

        secret = self.bound.value(self.settings.signing_secret, "slack") or ""
        return SCHEMES["slack"].sign(secret, str(int(time.time()) - age_s), body)

    def control(self) -> Answer:
        """Send a correctly signed request that asks for nothing, once for all checks."""
        body = self.harmless
        return self.bound.shared.get("slack control", lambda: self.send(body, self.signed(body).headers()))

    def is_not_installed(self, answer: Answer) -> bool:
        """Whether the app answers that it is not installed in the workspace."""
        return bool(NOT_INSTALLED.search(answer.text))

    def is_refusal(self, answer: Answer) -> bool:
        return answer.status in (401, 403) and not answer.is_markup

    def is_past(self, answer: Answer) -> bool:
        """Past the signature: acknowledged by something other than a page, or refused for its content."""
        if answer.is_markup:
            return False
        is_unhandled = answer.status == 404 and UNHANDLED in answer.text
        return 200 <= answer.status < 300 or answer.status in (400, 422) or is_unhandled


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
