"""What is there to know of a Slack app: the address of its command, its secrets, Slack's patience?"""

from __future__ import annotations

from dataclasses import dataclass

from runbook_checks.config.capabilities.rules import STRICT, positive
from runbook_checks.config.secrets import Secret, Text


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A slash command that checks Slack's v0 signatures."""

    __pydantic_config__ = STRICT
    signing_secret: Secret
    """The app's signing secret."""
    path: str
    """The command's request URL, below http.base_url."""
    command: str
    """A command that changes nothing, such as one that shows help; sent only where writes are allowed."""
    text: str = "help"
    """What is typed after it."""
    acknowledge_s: float = 3
    """Slack gives up after this time."""
    max_skew_s: int = 300
    """How far a timestamp may be from the app's clock."""

    def __post_init__(self) -> None:
        positive(acknowledge_s=self.acknowledge_s, max_skew_s=self.max_skew_s)


@dataclass(frozen=True, kw_only=True)
class SlackBot:
    """The bot that speaks to Slack."""

    __pydantic_config__ = STRICT
    token: Secret
    """The bot token."""
    api_url: Text = Text("literal", "https://slack.com/api")  # noqa: RUF009  frozen
    """Slack's Web API."""
