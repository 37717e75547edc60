"""What is there to ask about custom domains: what the system says of each, what names say, what is served?"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.base import Handle
from runbook_checks.handles.domain import Domain
from runbook_checks.probes.core.reading import NoReading, reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runbook_checks.config import capabilities
    from runbook_checks.handles.domain_events import Event
    from runbook_checks.handles.domain_list import Record
    from runbook_checks.probes.domains.sweep import Facts, Plan, Swept

RESOURCE = "domains"
HOUR_S = 3600.0
NAMED_IN_STEP = 100
NAMED = 8  # domains that one sentence names


class Domains(Handle):
    """Custom domains; one list, one sweep and one reading of events for all checks."""

    needs = ("domains",)
    libraries = ("runbook_checks.probes.domains.sweep", "runbook_checks.probes.http.transport")
    settings: capabilities.Domains

    def records(self) -> list[Record]:
        """The domains of this run: all, or those that --domain names."""
        from runbook_checks.handles.domain_list import of_chosen, read

        settings = self.settings
        every = self.bound.shared.get("domains", lambda: read(self.bound, settings))
        return of_chosen(every, self.run.domains)

    def all(self) -> list[Domain]:
        """Every domain with what was seen of it."""
        return self.bound.shared.get("seen-domains", self._all)

    def _all(self) -> list[Domain]:
        swept = self.swept()
        return [self._domain(r, swept.facts.get(r.domain), swept.base_addresses) for r in self.records()]

    def expected(self) -> list[Domain]:
        """Those that ought to work: not the new ones, whose records may still be on their way."""
        import pytest

        every = self.all()
        if not every:
            pytest.skip("none of the chosen domains is one of this system's")
        pending = [domain.name for domain in every if domain.is_pending]
        if pending:
            with reading(f"{len(pending)} pending: too young for their records to be everywhere") as told:
                told["domains"] = pending[:NAMED_IN_STEP]
        if len(pending) == len(every):
            pytest.skip("pending: too young for its records to be everywhere")
        return [domain for domain in every if not domain.is_pending]

    def _domain(self, record: Record, facts: Facts | None, base_addresses: tuple[str, ...]) -> Domain:
        return Domain(record, facts, self.base_host, base_addresses, self.settings, self._api, self._is_pending(record))

    def view(self, record: Record) -> Domain:
        """A domain as its record tells it; nothing is looked at for it."""
        return self._domain(record, None, ())

    def unseen(self) -> dict[str, str]:
        """The domains that the sweep did not come to, and why."""
        return dict(self.swept().unseen)

    def seen(self) -> list[Domain]:
        """The expected ones whose certificate was seen; the records are the system's own."""
        require_records(self.records())
        return [domain for domain in self.expected() if domain.facts and domain.facts.served]

    def require_all_seen(self) -> None:
        """NoReading with those whose certificate could not be seen."""
        expected = self.expected()
        unseen = self.unseen()
        unseen |= {d.name: d.facts.gone.reason for d in expected if d.facts and not d.facts.served and d.facts.gone}
        if unseen:
            raise not_seen(unseen, len(expected))

    def _is_pending(self, record: Record) -> bool:
        if record.created_at is None or record.verified_at is not None:
            return False
        return self.run.started - record.created_at < self.settings.propagation_h * HOUR_S

    def swept(self) -> Swept:
        """One look at all of them."""
        return self.bound.shared.get("sweep", self._sweep)

    def _sweep(self) -> Swept:
        from runbook_checks.probes.domains.sweep import sweep

        records = {record.domain: record for record in self.records()}
        return sweep(
            records,
            self.plan(),
            needs_authority=lambda name, facts, base: self._is_unproven(records[name], facts, base),
            progress=self._tell,
        )

    def _is_unproven(self, record: Record, facts: Facts, base_addresses: tuple[str, ...]) -> bool:
        """Whether the resolver doesn't show what it should: then the zone's own servers are asked."""
        domain = self._domain(record, facts, base_addresses)
        return not domain.is_pending and not (domain.leads_home and (domain.has_text or domain.method == "cname"))

    def _tell(self, done: int, of: int) -> None:
        self.context.progress(f"{self.chosen.name}: {done:,} of {of:,} domains looked at", done >= of)

    def plan(self) -> Plan:
        from runbook_checks.probes.domains.sweep import Plan
        from runbook_checks.probes.http.target import user_agent

        settings, bound = self.settings, self.bound
        bundle = bound.path(settings.intermediates_file, RESOURCE)
        return Plan(
            resolver=bound.value(settings.resolver, RESOURCE) or bound.resolver,
            base_host=self.base_host,
            text_prefix=settings.text_prefix,
            port=self._number(settings.port, 443),
            authoritative_port=self._number(settings.authoritative_port, 53),
            ca_file=bound.ca_file,
            intermediates_file=str(bundle) if bundle else None,
            path=settings.path,
            user_agent=user_agent(self.run.id),
            run_id=self.run.id,
            timeout_s=settings.timeout_s,
            at_once=settings.at_once,
            far_ends=bound.far_ends,
        )

    @cached_property
    def _api(self) -> str:
        http = self.chosen.settings.http
        return (self.bound.value(http.base_url, RESOURCE) or "").rstrip("/") if http else ""

    @cached_property
    def base_host(self) -> str:
        from runbook_checks.probes.domains.sweep import in_ascii

        given = self.bound.value(self.settings.base_host, RESOURCE) or ""
        try:
            return in_ascii(given)
        except ValueError as error:
            raise NoReading(RESOURCE, f"domains.base_host: {error}", kind="malformed-address") from None

    def _number(self, reference: Any, default: int) -> int:
        text = self.bound.value(reference, RESOURCE)
        if text is None:
            return default
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise NoReading(RESOURCE, f"{text!r} is no port", kind="malformed-address")
        return int(text)

    def events_or_none(self) -> dict[str, list[Event]] | None:
        """The same, None where they can't be read: what else is known may be enough."""
        try:
            return self.events()
        except NoReading:
            return None

    def issue_failures(self, record: Record, events: dict[str, list[Event]] | None) -> list[str]:
        """Why a certificate could not be issued, each time it was tried lately; the newest first."""
        from runbook_checks.handles.domain_events import ISSUE

        return [event.reason for event in (events or {}).get(record.domain, ()) if event.kind == ISSUE]

    def events(self) -> dict[str, list[Event]]:
        """The failure events of the last hours by domain, the newest first."""
        return self.bound.shared.get("domain-events", self._events)

    def _events(self) -> dict[str, list[Event]]:
        from runbook_checks.handles.domain_events import read

        return read(self.bound, self.settings, self.run.started)


def require_records(records: Iterable[Record]) -> list[Record]:
    """Those that the system itself told; NoReading where all that is known is a list of names."""
    listed = list(records)
    if listed and not any(record.is_told for record in listed):
        what = "only names are known: what the system says of its domains is told by domains.table or domains.api"
        raise NoReading("domain-records", what, kind="no-source")
    return listed


def not_seen(unseen: dict[str, str], of: int) -> NoReading:
    """Some domains could not be looked at, with the reason for each."""
    named = [f"{name} ({why})" for name, why in list(unseen.items())[:NAMED]]
    more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
    text = f"{len(unseen)} of {of} domains could not be looked at: {'; '.join(named)}{more}"
    return NoReading(RESOURCE, text, kind="not-seen", evidence={"subjects": list(unseen)})
