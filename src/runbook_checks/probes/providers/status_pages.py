"""Read a provider's public status page: incidents in progress, and the components they affect.

Statuspage's API v2 (summary.json; incident.io's pages respond in the same form), Slack's Status API 2.0.0 (current),
and Google Cloud's incidents.json (schema beside it, incidents.schema.json).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
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
ENDED = ("resolved", "postmortem", "completed")


@dataclass(frozen=True)
class Incident:
    """One incident in progress."""

    title: str
    is_outage: bool
    components: tuple[str, ...]  # none: the page does not attribute it
    began: str  # in the page's words, or empty
    link: str


@dataclass(frozen=True)
class Page:
    """The incidents in progress, and the names of all components: of a group with its members', None where the page
    does not list its components."""

    incidents: list[Incident]
    components: dict[str, set[str]] | None = None

    def affecting(self, wanted: Collection[str]) -> list[Incident]:
        """The incidents that affect one of the components or a member of a group, by name in any case.

        All incidents where `wanted` is empty.
        """
        names = {name.casefold() for name in wanted}
        for name, members in (self.components or {}).items():
            if name.casefold() in names:
                names |= {member.casefold() for member in members}
        affected = [one for one in self.incidents if names & {name.casefold() for name in one.components}]
        return affected if wanted else self.incidents

    def unattributed(self) -> list[Incident]:
        """The incidents that name no component."""
        return [incident for incident in self.incidents if not incident.components]

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """The wanted components that the page does not have."""
        known = {name.casefold() for name in self.components or ()}
        return [] if self.components is None else [name for name in wanted if name.casefold() not in known]


def read_page(http: Http, kind: str) -> Page:
    """The page. NoReading wrong-status, malformed-answer."""
    answer = patiently(lambda: http.get("", fresh=True, even_limited=True), RESOURCE)
    if answer.status != 200:
        raise NoReading(RESOURCE, f"{answer.url} answers HTTP {answer.status}", kind="wrong-status")
    try:
        return READERS[kind](answer.json())
    except (KeyError, TypeError, AttributeError):
        raise malformed(RESOURCE, answer, f"is not in the form of {kind}") from None


def _statuspage(page: Any) -> Page:
    listed = page.get("components") or []
    names = {component.get("id"): said(component["name"]) for component in listed}
    members: dict[str, set[str]] = {said(component["name"]): set() for component in listed}
    for component in listed:
        if group := names.get(component.get("group_id") or ""):
            members[group].add(said(component["name"]))
    found = [
        Incident(
            said(entry["name"]),
            entry["impact"] in GRAVE_IMPACTS,
            tuple(_affected(entry, names)),
            said(entry.get("started_at") or ""),
            _link(entry, page),
        )
        for entry in page["incidents"]
        if entry["impact"] not in ("none", "maintenance") and entry.get("status") not in ENDED
    ]
    found += _in_trouble(page, listed, {name for incident in found for name in incident.components})
    return Page(found, members if "components" in page else None)


def _affected(entry: Any, names: dict[Any, str]) -> Iterator[str]:
    """The components of an incident: its own, else those that its updates name by id ("code") or as "Group - Name"."""
    own = [said(one.get("name", "")) for one in entry.get("components") or [] if isinstance(one, dict)]
    if own:
        yield from own
        return
    seen: set[str] = set()
    for update in entry.get("incident_updates") or []:
        for one in update.get("affected_components") or []:
            name = said(one.get("name", ""))
            name = names.get(one.get("code"), name if name in names.values() else name.rpartition(" - ")[2])
            if name and name not in seen:
                seen.add(name)
                yield name


def _in_trouble(page: Any, components: Any, named: set[str]) -> Iterator[Incident]:
    """Components in trouble that no incident names."""
    for component in components:
        state, name = component["status"], said(component["name"])
        if state in TROUBLED and not component.get("group") and name not in named:
            title = f"{name} is in {state.replace('_', ' ')}"
            yield Incident(title, TROUBLED[state], (name,), said(component.get("updated_at") or ""), _link({}, page))


def _link(entry: Any, page: Any) -> str:
    return said(entry.get("shortlink") or page["page"]["url"])


def _slack(page: Any) -> Page:
    if page["status"] not in ("ok", "active"):
        raise KeyError("status")
    return Page(
        [
            Incident(
                said(entry["title"]),
                entry["type"] == "outage",
                tuple(said(name) for name in entry.get("services") or []),
                said(entry["date_created"]),
                said(entry["url"]),
            )
            for entry in page["active_incidents"]
            if entry["type"] not in ("maintenance", "notice") and entry.get("status") not in ENDED
        ]
    )


def _google(page: Any) -> Page:
    """The page keeps past incidents; one in progress has no end. `status_impact` counts, `severity` does not."""
    if not isinstance(page, list):
        raise TypeError
    return Page(
        [
            Incident(
                said(entry["external_desc"]),
                entry["status_impact"] == "SERVICE_OUTAGE",
                tuple(said(product["title"]) for product in entry.get("affected_products") or []),
                said(entry["begin"]),
                f"https://status.cloud.google.com/{said(entry.get('uri', ''))}",
            )
            for entry in page
            if entry["status_impact"] in ("SERVICE_DISRUPTION", "SERVICE_OUTAGE") and not entry.get("end")
        ]
    )


READERS: dict[str, Callable[[Any], Page]] = {"statuspage": _statuspage, "slack": _slack, "google": _google}
