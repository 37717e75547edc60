"""Settings of providers: their status pages, the quota that must be left, the object storage."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class StatusPage:
    """A provider's public status page."""

    url: Text
    """The address of its JSON document."""
    kind: Literal["statuspage", "slack", "google"] = "statuspage"
    """Its format: Statuspage's summary, Slack's current status, Google Cloud's incidents."""
    components: list[str] = field(default_factory=list)
    """The components, groups of components, services or products that matter; all where empty.
    A statuspage must have them."""


@settings
class Providers:
    """The public status pages of the providers that a system depends on."""

    pages: dict[str, StatusPage] = field(default_factory=dict)
    """Provider to its page."""


@settings
class Groq:
    """Groq's API, as the system uses it."""

    key: Secret
    """The API key."""
    api_url: Text = Text("literal", "https://api.groq.com/openai/v1")
    """Groq's API."""
    path: str = "/models"
    """The path of a GET request."""
    least_left_percent: PositiveFloat | None = 10
    """Less quota left is a finding; null where the responses don't have it."""


@settings
class Storage:
    """A bucket of an S3 API, such as R2's."""

    endpoint: Text
    """The account's own endpoint, without the bucket: https://ACCOUNT.r2.cloudflarestorage.com."""
    bucket: Text
    """The bucket."""
    access_key_id: Secret
    """The id of a key that may list and read."""
    secret_access_key: Secret
    """Its secret."""
    session_token: Secret | None = None
    """The token of a temporary key."""
    addressing: Literal["path", "virtual"] = "path"
    """Whether the bucket stands in the path or in the host's name."""
    region: str = "auto"
    """The region for signatures; R2 has 'auto' only."""
    prefix: str = ""
    """The prefix of the objects."""
    object: str | None = None
    """An object that must exist; by default the first one below the prefix."""
