"""Outages that hide custom domains of ReverseAI from the checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.outages.reverseai import outage
from runbook_checks_lab.reverseai.accounts import MONITOR
from runbook_checks_lab.reverseai.names import DATABASE, TABLES
from runbook_checks_lab.servers.files import away

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

SEEN_BY_NAME = (
    "domain.txt-missing",
    "domain.cname-wrong",
    "domain.https-broken",
    "domain.certificate-expired",
    "domain.certificate-expiring",
    "domain.certificate-invalid",
    "domain.certificate-drift",
)
RECORDED = ("domain.verification-failed", "domain.certificate-issue-failed", "domain.failure-events")


@outage("dns-silent", *SEEN_BY_NAME, is_shared=True)
def name_server_silent(lab: Lab) -> None:
    lab.dns.behaviour.is_silent = True


@outage("dns-refuses", *SEEN_BY_NAME, is_shared=True)
def name_server_refuses(lab: Lab) -> None:
    """A resolver that refuses this client: an existing domain looks the same as a missing one."""
    zones = {*lab.dns.behaviour.zones, *(name for name, _ in lab.dns.behaviour.records)}
    lab.dns.behaviour.rcodes |= dict.fromkeys(zones, "REFUSED")


@outage(
    "ca-file-missing-for-domains",
    "domain.certificate-invalid",
    "domain.https-broken",
    "domain.certificate-drift",
    is_shared=True,
)
def domains_authority_gone(lab: Lab) -> Iterator[None]:
    with away(lab.authority.ca_file):
        yield


@outage("intermediates-missing", "domain.certificate-invalid", "domain.certificate-expired", is_shared=True)
def intermediates_gone(lab: Lab) -> Iterator[None]:
    with away(lab.authority.intermediates_file):
        yield


@outage("domains-table-closed", *SEEN_BY_NAME, *RECORDED)
def domains_not_listed(lab: Lab) -> Iterator[None]:
    yield from _only(lab, "what_reverse_app_domains")


@outage("domains-table-empty", *SEEN_BY_NAME, *RECORDED[:2])
def no_domain_listed(lab: Lab) -> Iterator[None]:
    server = lab.reverseai.mariadb
    server.run(f"RENAME TABLE {DATABASE}.what_reverse_app_domains TO {DATABASE}.domains_put_away")
    server.run(f"CREATE TABLE {DATABASE}.what_reverse_app_domains LIKE {DATABASE}.domains_put_away")
    yield
    server.run(f"DROP TABLE {DATABASE}.what_reverse_app_domains")
    server.run(f"RENAME TABLE {DATABASE}.domains_put_away TO {DATABASE}.what_reverse_app_domains")


@outage("events-table-closed", "domain.failure-events", "domain.certificate-issue-failed")
def events_not_shown(lab: Lab) -> Iterator[None]:
    yield from _only(lab, "what_reverse_runtime_events")


def _only(lab: Lab, hidden: str) -> Iterator[None]:
    """The account can read every table except this one."""
    server = lab.reverseai.mariadb
    account = f"'{MONITOR}'@'%'"
    all_of_them = f"SELECT ON {DATABASE}.*"
    others = [f"SELECT ON {DATABASE}.{table}" for table in TABLES if table != hidden]
    server.run(f"REVOKE {all_of_them} FROM {account}", *(f"GRANT {other} TO {account}" for other in others))
    yield
    server.run(f"GRANT {all_of_them} TO {account}", *(f"REVOKE {other} FROM {account}" for other in others))
