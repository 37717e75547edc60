"""Customers' domains: their DNS records, and their rows in ReverseAI's table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from runbook_checks_lab.reverseai.names import BASE_HOST, DATABASE, WORKSPACES
from runbook_checks_lab.servers.certificates import LIFETIME_DAYS, ChainPlan

if TYPE_CHECKING:
    from runbook_checks_lab.servers.dns import DnsBehaviour
    from runbook_checks_lab.servers.edge import EdgeBehaviour
    from runbook_checks_lab.servers.mariadb import MariaDb

TABLE, EVENTS = f"{DATABASE}.what_reverse_app_domains", f"{DATABASE}.what_reverse_runtime_events"
PREFIX, NAMESERVER, EDGE_ADDRESS = "_reverseai", "ns1.names.lab.test", "127.0.0.1"
SPF = "v=spf1 include:mail.lab.test -all"
DAYS_LEFT = 60.0
OTHER_PLACE = "127.0.0.80"  # another provider's address, where nothing of the lab listens


@dataclass(frozen=True)
class Shop:
    """One healthy domain: its DNS record, its proof and its age."""

    name: str
    leads: Literal["alias", "chain", "apex", "nowhere"] = "alias"
    proof: Literal["text", "split text", "none"] = "text"
    is_new: bool = False

    @property
    def ascii(self) -> str:
        return self.name.encode("idna").decode()

    @property
    def zone(self) -> str:
        return ".".join(self.ascii.split(".")[-2:])


# Faults about a single domain break the first one.
SHOPS = (
    Shop("shop.blumenwerk.test"),
    Shop("bestellen.pasta-fresca.test"),
    Shop("www.kaffeekontor.test", leads="chain"),
    Shop("bergsport.test", leads="apex"),
    Shop("laden.müller-söhne.test"),
    Shop("tickets.stadtbad.test", proof="none"),
    Shop("app.seglerverein.test", proof="split text"),
    Shop("termine.zahnarzt-am-markt.test"),
    Shop("start.yogaloft.test"),
    Shop("kasse.hofladen-weber.test"),
    Shop("intern.druckerei-koch.test"),
    Shop("buchung.hotel-seeblick.test"),
    Shop("neu.fahrrad-atelier.test", leads="nowhere", proof="none", is_new=True),
)
VICTIM = SHOPS[0]
APEX = next(shop for shop in SHOPS if shop.leads == "apex")


def token_of(shop: Shop) -> str:
    return f"rv-{WORKSPACES[SHOPS.index(shop) % len(WORKSPACES)]}-{SHOPS.index(shop):03d}"


def name_records(behaviour: DnsBehaviour) -> None:
    """Add the base host and the customers' zones with their records."""
    records = behaviour.records
    records[BASE_HOST, "A"] = [EDGE_ADDRESS]
    records[NAMESERVER, "A"] = [EDGE_ADDRESS]
    for shop in SHOPS:
        behaviour.zones.add(shop.zone)
        records[shop.zone, "NS"] = [NAMESERVER]
        text = f"{PREFIX}.{shop.ascii}", "TXT"
        if shop.proof == "text":
            records[text] = [token_of(shop)]
        elif shop.proof == "split text":
            half = len(token_of(shop)) // 2
            records[text] = [SPF, f'"{token_of(shop)[:half]}" "{token_of(shop)[half:]}"']
        records |= _leading(shop)


def _leading(shop: Shop) -> dict[tuple[str, str], list[str]]:
    if shop.leads == "chain":
        between = f"shops.{shop.zone}"
        return {(shop.ascii, "CNAME"): [between], (between, "CNAME"): [BASE_HOST]}
    if shop.leads == "apex":  # an apex cannot be a CNAME (RFC 1912, 2.4): it has the base host's addresses
        return {(shop.ascii, "A"): [EDGE_ADDRESS]}
    return {(shop.ascii, "CNAME"): [BASE_HOST]} if shop.leads == "alias" else {}


def certificates(behaviour: EdgeBehaviour) -> None:
    for shop in SHOPS:
        if not shop.is_new:
            behaviour.chains[shop.ascii] = ChainPlan(names=(shop.ascii,), days_left=DAYS_LEFT)


def rows() -> list[dict[str, Any]]:
    """Return the rows of the table."""
    return [_row(shop) for shop in SHOPS]


def _row(shop: Shop) -> dict[str, Any]:
    now = datetime.now(UTC).replace(tzinfo=None)
    expires = now + timedelta(days=DAYS_LEFT, minutes=5)
    issued = expires - timedelta(days=LIFETIME_DAYS)
    return {
        "workspace_id": WORKSPACES[SHOPS.index(shop) % len(WORKSPACES)],
        "domain": shop.name,
        "status": "pending" if shop.is_new else "active",
        "verification_token": token_of(shop),
        "verification_attempts": 0 if shop.is_new else 1,
        "ssl_status": "none" if shop.is_new else "issued",
        "verified_at": None if shop.is_new else issued,
        "ssl_issued_at": None if shop.is_new else issued,
        "ssl_expires_at": None if shop.is_new else expires,
        "created_at": now - timedelta(hours=3) if shop.is_new else issued - timedelta(hours=1),
    }


def change_row(mariadb: MariaDb, shop: Shop, **values: Any) -> dict[str, Any]:
    """Change a domain's row and return the old values."""
    columns = ", ".join(values)
    before = mariadb.rows(f"SELECT {columns} FROM {TABLE} WHERE domain = %s", [shop.name])[0]  # noqa: S608  the lab's own
    assignments = ", ".join(f"{column} = %s" for column in values)
    mariadb.rows(f"UPDATE {TABLE} SET {assignments} WHERE domain = %s", [*values.values(), shop.name])  # noqa: S608
    return before


def add_events(mariadb: MariaDb, shop: Shop, kind: str, reason: str, count: int) -> None:
    """Add failures of a domain, an hour apart, the newest some minutes ago."""
    now = datetime.now(UTC).replace(tzinfo=None)
    payload = json.dumps({"domain": shop.name, "workspace_id": WORKSPACES[0], "reason": reason}, ensure_ascii=False)
    rows = [
        {"event_type": kind, "payload_json": payload, "created_at": now - timedelta(hours=number, minutes=7)}
        for number in range(count)
    ]
    mariadb.insert(EVENTS, rows)


def remove_events(mariadb: MariaDb, kind: str) -> None:
    mariadb.run(f"DELETE FROM {EVENTS} WHERE event_type = '{kind}'")  # noqa: S608
