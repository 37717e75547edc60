"""Which incidents does a provider's public status page tell of?

Statuspage's API v2 (summary.json; incident.io's pages answer in the same form), Slack's Status API 2.0.0 (current), and
Google Cloud's incidents.json (schema beside it, incidents.schema.json).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.json_api import malformed, said
from runbook_checks.probes.http.rate_limits import patiently

if TYPE_CHECKING:
    from runbook_checks.probes.http.client import Http

RESOURCE = "providers"
GRAVE_IMPACTS = ("major", "critical")
TROUBLED = {"degraded_performance": False, "partial_outage": False, "major_outage": True}


@dataclass(frozen=True)
class Incident:
    """One incident under way."""

    title: str
    is_outage: bool
    components: tuple[str, ...]
    began: str  # in the page's words, or empty
    link: str


def incidents(http: Http, kind: str) -> list[Incident]:
    """Those under way, of the whole page; NoReading where it is no such page."""
    answer = patiently(lambda: http.get("", fresh=True, even_limited=True), RESOURCE)
    if answer.status != 200:
        raise NoReading(RESOURCE, f"{answer.url} answers HTTP {answer.status}", kind="wrong-status")
    try:
        return list(READERS[kind](answer.json()))
    except (KeyError, TypeError, AttributeError):
        raise malformed(RESOURCE, answer, f"is not in the form of {kind}") from None


def of_components(found: Iterable[Incident], components: Iterable[str]) -> list[Incident]:
    """Those that touch one of the components, by name in any case; all of them where none is named. An incident that
    names no component touches all."""
    wanted = {name.casefold() for name in components}
    return [
        incident
        for incident in found
        if not wanted or not incident.components or wanted & {name.casefold() for name in incident.components}
    ]


def _statuspage(page: Any) -> Iterator[Incident]:
    named: set[str] = set()
    for entry in page["incidents"]:
        touched = [c for c in entry.get("components") or [] if isinstance(c, dict)]
        names = tuple(said(c.get("name", "")) for c in touched)
        if entry["impact"] in ("none", "maintenance"):
            continue
        named |= set(names)
        is_outage = entry["impact"] in GRAVE_IMPACTS
        yield Incident(said(entry["name"]), is_outage, names, said(entry.get("started_at") or ""), _link(entry, page))
    for component in page["components"]:
        state, name = component["status"], said(component["name"])
        if state in TROUBLED and not component.get("group") and name not in named:
            title = f"{name} is in {state.replace('_', ' ')}"
            yield Incident(title, TROUBLED[state], (name,), said(component.get("updated_at") or ""), _link({}, page))


def _link(entry: Any, page: Any) -> str:
    return said(entry.get("shortlink") or page["page"]["url"])


def _slack(page: Any) -> Iterator[Incident]:
    if page["status"] not in ("ok", "active"):
        raise KeyError("status")
    for entry in page["active_incidents"]:
        if entry["type"] in ("maintenance", "notice"):
            continue
        services = tuple(said(name) for name in entry.get("services") or [])
        is_outage = entry["type"] == "outage"
        yield Incident(said(entry["title"]), is_outage, services, said(entry["date_created"]), said(entry["url"]))


def _google(page: Any) -> Iterator[Incident]:
    """The page keeps past ones; one under way has no end. `status_impact` tells, `severity` does not."""
    if not isinstance(page, list):
        raise TypeError
    for entry in page:
        impact = entry["status_impact"]
        if entry.get("end") or impact not in ("SERVICE_DISRUPTION", "SERVICE_OUTAGE"):
            continue
        products = tuple(said(product["title"]) for product in entry.get("affected_products") or [])
        link = f"https://status.cloud.google.com/{said(entry.get('uri', ''))}"
        yield Incident(said(entry["external_desc"]), impact == "SERVICE_OUTAGE", products, said(entry["begin"]), link)


READERS: dict[str, Callable[[Any], Iterator[Incident]]] = {
    "statuspage": _statuspage,
    "slack": _slack,
    "google": _google,
}
