"""Settings of custom domains: where they are listed, how they are verified, where they point."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, settings
from runbook_checks.config.secrets import Text

Method = Literal["any", "txt", "cname"]


@settings
class DomainsApi:
    """The call that lists a workspace's domains with their state; it sends http.token."""

    path: str = "/api/v1/workspaces/{workspace}/domains"
    """Its path below http.base_url; {workspace} is replaced by the workspace's id."""
    workspaces: list[str] = field(default_factory=list)
    """The ids of the workspaces."""
    field: str = "domains"
    """The field that contains the list, if the response is an object."""


@settings
class DomainsTable:
    """The tables of domains and events, in the database of the mysql capability."""

    name: str = "what_reverse_app_domains"
    """One row for each domain."""
    events: str | None = "what_reverse_runtime_events"
    """One row for each event, with event_type, payload_json and created_at."""


@settings
class Domains:
    """Custom domains, from the table, else from the API, else from the list."""

    names: list[str] = field(default_factory=list)
    """The domains, if neither table nor API lists them. The checks of the system's records are then unknown."""
    table: DomainsTable | None = None
    """The table that lists the domains, in the database of the mysql capability."""
    api: DomainsApi | None = None
    """The call of the http service that lists the domains."""
    base_host: Text
    """The host that every domain must point to."""
    text_prefix: str = "_reverseai"
    """The label before a domain at which its verification text is."""
    method: Method = "any"
    """What proves a domain: its TXT record, its CNAME to the base host, or either."""
    resolver: Text | None = None
    """The name server to query about domains, IP[:PORT]; by default the system's resolver, else the machine's."""
    authoritative_port: Text | None = None
    """The port of the name servers that zones are delegated to (53)."""
    port: Text | None = None
    """The port at which domains are served (443)."""
    path: str = "/"
    """The path of the request that shows whether a domain is routed."""
    unrouted_statuses: list[int] = field(default_factory=lambda: [404, 421])
    """Status codes that mean that no application is behind the domain."""
    unrouted_codes: list[str] = field(default_factory=lambda: ["ROUTING_FAILED", "DOMAIN_NOT_VERIFIED"])
    """Error codes in a JSON response that mean the same."""
    intermediates_file: Text | None = None
    """A bundle of intermediate certificates, which distinguishes an incomplete chain from an untrusted one."""
    propagation_h: PositiveFloat = 48
    """How long a DNS change may take to reach every resolver."""
    allow_proxy: bool = False
    """A domain may point to a CDN or proxy, if its TXT record, certificate and page are good."""
    most_attempts: PositiveInt = 3
    """Failed verification attempts from which an engineer has to act."""
    events_h: PositiveFloat = 24
    """Period of failure events before the run."""
    most_events: PositiveInt = 3
    """Failures of one domain in that period that count as repeated."""
    warn_days: PositiveFloat = 21
    """Days left from which renewal is due."""
    alarm_days: PositiveFloat = 7
    """Days left from which renewal must have failed."""
    timeout_s: PositiveFloat = 5
    """Timeout of a domain's DNS queries, and of its connection."""
    at_once: PositiveInt = 256
    """Domains that are checked at once."""
    most: PositiveInt = 20000
    """Maximum number of domains in a run."""

    def __post_init__(self) -> None:
        if self.alarm_days > self.warn_days:
            raise ValueError("'alarm_days' must not be above 'warn_days'")
