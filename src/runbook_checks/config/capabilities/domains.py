"""Settings of custom domains: where they are listed, how they are verified, where they point."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Text

Method = Literal["any", "txt", "cname"]


@settings
class DomainsApi:
    """The call that lists a workspace's domains with their state; http.token is sent with it."""

    path: str = "/api/v1/workspaces/{workspace}/domains"
    """Its address below http.base_url; {workspace} stands for the workspace's id."""
    workspaces: list[str] = field(default_factory=list)
    """The ids of the workspaces that are asked for."""
    field: str = "domains"
    """The field that holds the list, where the answer isn't the list itself."""


@settings
class DomainsTable:
    """The table of the mysql capability that holds the domains, and the one of events."""

    name: str = "what_reverse_app_domains"
    """One row a domain."""
    events: str | None = "what_reverse_runtime_events"
    """One row an event, with event_type, payload_json and created_at."""


@settings
class Domains:
    """Custom domains; from the table, else from the API, else from the list."""

    names: list[str] = field(default_factory=list)
    """Domains by name, where neither table nor API tells them: what stands in records is not looked at then."""
    table: DomainsTable | None = None
    """The table that tells them, of the mysql capability."""
    api: DomainsApi | None = None
    """The call that tells them, of the http service."""
    base_host: Text
    """The host that every domain leads to."""
    text_prefix: str = "_reverseai"
    """The label before a domain at which its verification text stands."""
    method: Method = "any"
    """What proves a domain: its text, its leading to the base host, or either."""
    resolver: Text | None = None
    """The name server to ask about domains, IP[:PORT]; else the system's, else the machine's own."""
    authoritative_port: Text | None = None
    """The port of the name servers that zones are delegated to (53)."""
    port: Text | None = None
    """The port at which domains are served (443)."""
    path: str = "/"
    """What is asked for to see where a domain's requests end up."""
    unrouted_statuses: list[int] = field(default_factory=lambda: [404, 421])
    """Answers that say that no application is behind the domain."""
    unrouted_codes: list[str] = field(default_factory=lambda: ["ROUTING_FAILED", "DOMAIN_NOT_VERIFIED"])
    """Error codes in a JSON answer that say the same."""
    intermediates_file: Text | None = None
    """A bundle of intermediate certificates: tells an incomplete chain from an untrusted one."""
    propagation_h: PositiveFloat = 48
    """A change of DNS may take so long to be everywhere."""
    allow_proxy: bool = False
    """A domain may point to a CDN or proxy, if its TXT record, certificate and page are good."""
    most_attempts: PositiveInt = 3
    """Attempts at verification from which somebody has to look."""
    events_h: PositiveFloat = 24
    """Failure events are looked at so far back."""
    most_events: PositiveInt = 3
    """So many failures of one domain in that time are repeated ones."""
    warn_days: PositiveFloat = 21
    """Days left from which renewal is due."""
    alarm_days: PositiveFloat = 7
    """Days left from which renewal must have failed."""
    timeout_s: PositiveFloat = 5
    """A domain's names must be told, and its connection be over, within this time each."""
    at_once: PositiveInt = 256
    """So many domains are looked at at once."""
    most: PositiveInt = 20000
    """No more domains than these are looked at in a run."""

    def __post_init__(self) -> None:
        if self.alarm_days > self.warn_days:
            raise ValueError("'alarm_days' must not be above 'warn_days'")
