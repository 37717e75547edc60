"""Settings of a Slack app: the address of its command, its secrets, and how long Slack waits."""

from __future__ import annotations

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class Slack:
    """A slash command that checks Slack's v0 signatures."""

    signing_secret: Secret
    """The app's signing secret."""
    path: str
    """The command's request URL, below http.base_url."""
    command: str
    """A command that changes nothing, such as one that shows help; sent only where writes are allowed."""
    text: str = "help"
    """What is typed after it."""
    harmless_command: str = "/runbook-checks"
    """The command of requests that test the signature; name one that the app knows if it answers others with 404."""
    team_id: str = "T0CHECKS"
    """The workspace that the commands come from; an app with several accepts only its own."""
    user_id: str = "U0CHECKS"
    """The user who types them."""
    acknowledge_s: PositiveFloat = 3
    """Slack gives up after this time."""
    max_skew_s: PositiveInt = 300
    """How far a timestamp may be from the app's clock."""


@settings
class SlackBot:
    """The bot of a Slack app."""

    token: Secret
    """The bot token."""
    api_url: Text = Text("literal", "https://slack.com/api")
    """Slack's Web API."""
