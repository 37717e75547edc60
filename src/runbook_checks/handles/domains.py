"""Custom domains: the system's records, and one sweep over their DNS, certificates and pages."""

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
NAMED = 8  # domains in one sentence


class Domains(Handle):
    """Custom domains, with one list, one sweep and one reading of events for all checks."""

    needs = ("domains",)
    libraries = ("runbook_checks.probes.domains.sweep", "runbook_checks.probes.http.transport")
    settings: capabilities.Domains

    def records(self) -> list[Record]:
        """Return the domains of this run: all, or those that --domain names."""
        from runbook_checks.handles.domain_list import of_chosen, read

        settings = self.settings
        every = self.bound.shared.get("domains", lambda: read(self.bound, settings))
        return of_chosen(every, self.run.domains)

    def all(self) -> list[Domain]:
        """Return every domain with its facts."""
        return self.bound.shared.get("seen-domains", self._all)

    def _all(self) -> list[Domain]:
        swept = self.swept()
        return [self._domain(r, swept.facts.get(r.domain), swept.base_addresses) for r in self.records()]

    def expected(self) -> list[Domain]:
        """Return the domains that must work: not the new ones, whose records may not have reached every resolver."""
        import pytest

        every = self.all()
        if not every:
            pytest.skip("none of the chosen domains belongs to this system")
        pending = [domain.name for domain in every if domain.is_pending]
        if pending:
            with reading(f"{len(pending)} pending: too new for their records to have reached every resolver") as facts:
                facts["domains"] = pending[:NAMED_IN_STEP]
        return [domain for domain in every if not domain.is_pending]

    def _domain(self, record: Record, facts: Facts | None, base_addresses: tuple[str, ...]) -> Domain:
        return Domain(record, facts, self.base_host, base_addresses, self.settings, self._api, self._is_pending(record))

    def view(self, record: Record) -> Domain:
        """Return a domain with its record only, without facts from a sweep."""
        return self._domain(record, None, ())

    def unseen(self) -> dict[str, str]:
        """Return the domains that the sweep did not reach, and why."""
        return dict(self.swept().unseen)

    def seen(self) -> list[Domain]:
        """Return the expected domains whose certificate was read, if the system has records of them."""
        require_records(self.records())
        return [domain for domain in self.expected() if domain.facts and domain.facts.served]

    def require_all_seen(self) -> None:
        """Raise NoReading with the domains whose certificate could not be read."""
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
        """Return the one sweep over all domains."""
        return self.bound.shared.get("sweep", self._sweep)

    def _sweep(self) -> Swept:
        from runbook_checks.probes.domains.sweep import sweep

        records = {record.domain: record for record in self.records()}
        return sweep(
            records,
            self.plan(),
            needs_authority=lambda name, facts, base: self._is_unproven(records[name], facts, base),
            progress=self._report_progress,
        )

    def _is_unproven(self, record: Record, facts: Facts, base_addresses: tuple[str, ...]) -> bool:
        """Return whether the resolver's answers do not prove the domain: then the zone's own servers are queried."""
        domain = self._domain(record, facts, base_addresses)
        return not domain.is_pending and not (domain.leads_home and (domain.has_text or domain.method == "cname"))

    def _report_progress(self, done: int, of: int) -> None:
        self.context.progress(f"{self.chosen.name}: {done:,} of {of:,} domains checked", done >= of)

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
            raise NoReading(RESOURCE, f"{text!r} is not a port", kind="malformed-address")
        return int(text)

    def events_or_none(self) -> dict[str, list[Event]] | None:
        """Return the same, or None if they cannot be read, since the records may suffice."""
        try:
            return self.events()
        except NoReading:
            return None

    def issue_failures(self, record: Record, events: dict[str, list[Event]] | None) -> list[str]:
        """Return why recent attempts to issue a certificate failed, the newest first."""
        from runbook_checks.handles.domain_events import ISSUE

        return [event.reason for event in (events or {}).get(record.domain, ()) if event.kind == ISSUE]

    def events(self) -> dict[str, list[Event]]:
        """Return the failure events of the last hours by domain, the newest first."""
        return self.bound.shared.get("domain-events", self._events)

    def _events(self) -> dict[str, list[Event]]:
        from runbook_checks.handles.domain_events import read

        return read(self.bound, self.settings, self.run.started)


def require_records(records: Iterable[Record]) -> list[Record]:
    """Return the records, or raise NoReading if only a list of names is configured."""
    listed = list(records)
    if listed and not any(record.is_told for record in listed):
        what = (
            "only names are known; configure domains.table or domains.api to read the system's records of its domains"
        )
        raise NoReading("domain-records", what, kind="no-source")
    return listed


def not_seen(unseen: dict[str, str], of: int) -> NoReading:
    """Return a NoReading for domains that could not be checked, with the reason for each."""
    named = [f"{name} ({why})" for name, why in list(unseen.items())[:NAMED]]
    more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
    text = f"{len(unseen)} of {of} domains could not be checked: {'; '.join(named)}{more}"
    return NoReading(RESOURCE, text, kind="not-seen", evidence={"subjects": list(unseen)})
