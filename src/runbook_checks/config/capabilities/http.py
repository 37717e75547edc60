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
    """A request by which a service shows that it does what it is there for; it only reads."""

    name: str
    """What it is called."""
    path: str
    """Its address."""
    method: Literal["GET", "POST"] = "GET"
    """POST for a query whose question is sent as a body."""
    authenticated: bool = False
    """It wants http.token."""
    body: dict[str, Any] | None = None
    """The JSON body that is sent."""
    status: int = 200
    """The status it answers with."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of the JSON answer, dots for nesting and numbers for places in lists, with the values they must have."""
    not_empty: list[str] = field(default_factory=list)
    """Fields of the JSON answer that must hold something."""

    def __post_init__(self) -> None:
        if self.body is not None and self.method == "GET":
            raise ValueError("a 'body' is sent by POST")


@settings
class Http:
    """An HTTP service."""

    base_url: Text
    """Where the service answers, as its users reach it."""
    direct_url: Text | None = None
    """An address with no proxy before it; a proxy replaces the Date header that tells the service's clock."""
    health: Health = field(default_factory=Health)
    """The health documents."""
    version: VersionAt | None = None
    """Where the running version is told."""
    expect_version: Text | None = None
    """The version that should be running; --expect-version wins."""
    metrics: str | None = None
    """Where the service tells its metrics, in Prometheus' text form."""
    key_functions: list[KeyFunction] = field(default_factory=list)
    """Requests by which the service shows that it does what it is there for."""
    token: Secret | None = None
    """Sent as bearer authentication to key functions that want it."""
    max_skew_s: PositiveFloat | None = None
    """How far the service's clock may be from others' (tokens, signatures); else webhook.max_skew_s."""
    slow_ms: PositiveFloat = 1000
    """The median health answer must be faster."""
    samples: PositiveInt = 5
    """How many answers the median and the version are taken from."""
    timeout_s: PositiveFloat = 5
    """A whole answer must be there within this time."""
    connect_timeout_s: PositiveFloat = 3
    """A connection must be there within this time."""
    max_body_bytes: PositiveInt = 1 << 20
    """No answer is read beyond this size."""
