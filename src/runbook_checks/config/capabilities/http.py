"""Settings of an HTTP service: its addresses, expected responses and response times."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Secret, Text

# Spring Boot, IETF health+json, ASP.NET, MicroProfile, NestJS, and what services write by hand.
UNHEALTHY = (
    "DOWN", "OUT_OF_SERVICE", "fail", "failed", "failing", "failure", "error", "unhealthy", "degraded", "critical",
    "unavailable", "unreachable", "offline", "disconnected", "not_ready", "not ready", "not ok", "broken", "dead",
    "stopped", "starting", "stopping", "draining", "shutting_down", "timeout",
)  # fmt: skip


@settings
class Health:
    """The health documents and the words in them."""

    path: str = "/health"
    """The overall health document."""
    live: str | None = None
    """The liveness document."""
    ready: str | None = None
    """The readiness document."""
    format: Literal["json", "text"] = "json"
    """A JSON document, or plain text whose whole is the state, such as `OK`."""
    status_field: str = "status"
    """The field with the state, a word or true and false; dots for nesting."""
    components_field: str = "components"
    """The field with the components' states, dots for nesting."""
    healthy: list[str] = field(default_factory=lambda: ["UP", "ok", "healthy", "pass"])
    """The words that mean healthy, in any case."""
    unhealthy: list[str] = field(default_factory=lambda: list(UNHEALTHY))
    """The words that mean unhealthy, in any case. A word of no list is unknown."""
    neutral: list[str] = field(default_factory=lambda: ["UNKNOWN", "disabled", "not_configured", "skipped", "warn"])
    """The words of components that are not in use or only cause concern, in any case."""
    ignore: list[str] = field(default_factory=list)
    """Fields and components of the document to leave out, dots for nesting."""


@settings
class VersionAt:
    """The address of the running version."""

    path: str
    """The address of the document."""
    format: Literal["json", "text"] = "json"
    """A JSON document, or plain text whose whole is the version."""
    field: str = "version"
    """The field in the JSON document, dots for nesting."""


@settings
class KeyFunction:
    """A request that proves that the service does its job; it only reads."""

    name: str
    """Its name in results."""
    path: str
    """Its address."""
    method: Literal["GET", "POST"] = "GET"
    """POST for a query that is sent as a body."""
    authenticated: bool = False
    """It needs http.token."""
    body: dict[str, Any] | None = None
    """The JSON body to send."""
    status: int = 200
    """The expected status."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of the JSON answer, dots for nesting and numbers for places in lists, with their expected values."""
    not_empty: list[str] = field(default_factory=list)
    """Fields of the JSON answer that must not be empty."""

    def __post_init__(self) -> None:
        if self.body is not None and self.method == "GET":
            raise ValueError("a 'body' is sent by POST")


@settings
class Http:
    """An HTTP service."""

    base_url: Text
    """The address of the service for its users."""
    direct_url: Text | None = None
    """An address without the proxy, which replaces the Date header that shows the service's clock."""
    health: Health = field(default_factory=Health)
    """The health documents."""
    version: VersionAt | None = None
    """The address of the running version."""
    expect_version: Text | None = None
    """The version that should be running; --expect-version wins."""
    metrics: str | None = None
    """The address of the metrics in Prometheus' text format."""
    key_functions: list[KeyFunction] = field(default_factory=list)
    """Requests that prove that the service does its job."""
    token: Secret | None = None
    """The bearer token for key functions that need it."""
    max_skew_s: PositiveFloat | None = None
    """How far the service's clock may be off; else webhook.max_skew_s."""
    slow_ms: PositiveFloat = 1000
    """The median health response must be faster."""
    samples: PositiveInt = 5
    """The number of responses for the median and the version."""
    timeout_s: PositiveFloat = 5
    """The timeout of a whole response."""
    connect_timeout_s: PositiveFloat = 3
    """The timeout of a connection."""
    max_body_bytes: PositiveInt = 1 << 20
    """No response is read beyond this size."""
