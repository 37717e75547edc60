"""Custom domains with unusual DNS records: stray addresses, records beside a CNAME, proxies, and new domains."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dns.message
import dns.rrset
import pytest

from tests.harness import PROJECT, Ran, describe, run
from tests.hostile.services import always, document
from tests.misbehaving.rogue import Rogue, Rule, Zone
from tests.misbehaving.server import FakeServer
from tests.misbehaving.tls import serving
from tests.probes import pki

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BASE, HOME, CDN, GONE, UNROUTED = "apps.base.test", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
STRAY6 = "fd00::1"
CNAME_WRONG = "domain.cname-wrong"
OLD, NEW = "2026-01-01T00:00:00Z", datetime.now(UTC).isoformat()
# What the zone's own servers have, and what the resolver has in its cache instead.
RECORDS: dict[str, dict[str, str]] = {
    "good": {"CNAME": BASE},
    "apex": {"A": HOME},
    "stray6": {"A": HOME, "AAAA": STRAY6},
    "stray6-deleted": {"A": HOME},
    "stray4": {"A": GONE, "AAAA": "::ffff:7f00:5"},
    "beside": {"CNAME": BASE},
    "beside-chain": {"CNAME": "alias.shop.test"},
    "beside-home": {"CNAME": BASE},
    "cdn": {"A": CDN},
    "cdn-alias": {"CNAME": "edge.cdn.test"},
    "cdn-without-text": {"A": CDN},
    "cdn-unrouted": {"A": UNROUTED},
    "moved": {"A": GONE},
}
CACHED = {"stray6-deleted": {"A": HOME, "AAAA": STRAY6}}
BESIDE = {"beside": GONE, "beside-chain": GONE, "beside-home": HOME}
EXPECTED = {
    "stray6": ("conflicts-with-address-record", "P1"),
    "stray6-deleted": ("not-propagated", "P1"),
    "stray4": ("conflicts-with-address-record", "P1"),
    "beside": ("conflicts-with-address-record", "P1"),
    "beside-chain": ("conflicts-with-address-record", "P1"),
    "cdn": ("behind-proxy", "P2"),
    "cdn-alias": ("behind-proxy", "P2"),
    "cdn-without-text": ("conflicts-with-address-record", "P1"),
    "cdn-unrouted": ("conflicts-with-address-record", "P1"),
    "moved": ("conflicts-with-address-record", "P1"),
}


def zone(records: dict[str, dict[str, str]]) -> Zone:
    found: Zone = {(BASE, "A"): [HOME], ("ns1.dns.test", "A"): [HOME], ("shop.test", "NS"): ["ns1.dns.test"],
                   ("alias.shop.test", "CNAME"): [BASE], ("edge.cdn.test", "A"): [CDN]}  # fmt: skip
    for name, values in records.items():
        found |= {(f"{name}.shop.test", kind): [value] for kind, value in values.items()}
        if name != "cdn-without-text":
            found[f"_reverseai.{name}.shop.test", "TXT"] = [f'"{name}"']
    return found


def beside(name: str, address: str) -> Rule:
    def rule(query: dns.message.Message, truth: dns.message.Message) -> Iterable[bytes]:
        if query.question[0].rdtype.name == "A":
            truth.answer.append(dns.rrset.from_text(f"{name}.shop.test.", 0, "IN", "A", address))
        return [truth.to_wire()]

    return rule


def record(name: str, created: str = OLD, verified: str | None = OLD) -> dict[str, Any]:
    status = "active" if verified else "pending"
    return {"domain": f"{name}.shop.test", "status": status, "verification_token": name, "ssl_status": "issued",
            "created_at": created, "verified_at": verified}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("records")
    with ExitStack() as stack:
        return _run(folder, stack)


def _run(folder: Path, stack: ExitStack) -> Ran:
    root = pki.make("Root", is_ca=True, days=(-300, 300))
    (folder / "root.pem").write_bytes(root.pem)
    pair = pki.make("shop", root, names=("*.shop.test",), days=(-30, 60)).write(folder)
    port = 0
    for address in (HOME, CDN):
        page = serving(*pair, always(document({})))
        port = stack.enter_context(FakeServer(page, address, port)).port
    unrouted = serving(*pair, always(document({"code": "ROUTING_FAILED"}, status="404 Not Found")))
    stack.enter_context(FakeServer(unrouted, UNROUTED, port))
    rules = {f"{name}.shop.test": beside(name, address) for name, address in BESIDE.items()}
    resolver = stack.enter_context(Rogue(zone(RECORDS | CACHED), rules))
    authority = stack.enter_context(Rogue(zone(RECORDS), rules))
    lists = {
        "shops": [record(name) for name in RECORDS],
        "proxies": [record(name) for name in ("cdn", "cdn-alias", "cdn-unrouted", "moved", "stray6")],
        "new": [record("not-there-yet", NEW, None)],
    }
    domains = {
        "base_host": BASE, "port": str(port), "resolver": resolver.address, "table": None,
        "authoritative_port": authority.address.rpartition(":")[2], "timeout_s": 2,
    }  # fmt: skip
    systems = {}
    for name, listed in lists.items():
        api = stack.enter_context(FakeServer(always(document(listed))))
        systems[name] = {
            "runbook": str(PROJECT / "runbooks" / "reverseai.yaml"),
            "ca_file": str(folder / "root.pem"),
            "http": {"base_url": api.url},
            "domains": domains | {"api": {"path": "/", "workspaces": ["w"]}, "allow_proxy": name == "proxies"},
        }
    file = folder / "environment.yaml"
    far_ends = {"allow": ["127.0.0.0/8"]}
    file.write_text(json.dumps({"name": "e", "tier": "staging", "far_ends": far_ends, "systems": systems}))
    return run("--env", str(file), "-m", "domain", out=folder / "out")


def found(ran: Ran, system: str) -> dict[str, tuple[str, str]]:
    return {f["subject"].partition(".")[0]: (f["cause"], f["severity"]) for f in _findings(ran, system)}


def _findings(ran: Ran, system: str) -> list[dict[str, Any]]:
    results = ran.document["results"]
    return next(r["findings"] for r in results if (r["symptom"], r["system"]) == (CNAME_WRONG, system))


def test_each_domain_has_its_cause(ran: Ran) -> None:
    assert found(ran, "shops") == EXPECTED, describe(ran)


def test_address_beside_a_cname_is_named(ran: Ran) -> None:
    seen = {f["subject"]: f["seen"] for f in _findings(ran, "shops")}
    assert seen["beside.shop.test"].startswith(f"it has address records beside its CNAME: {GONE}")
    assert seen["stray6.shop.test"] == f"it has its own address records: {STRAY6}"


def test_allowed_proxy_is_clear_and_the_rest_is_found(ran: Ran) -> None:
    assert set(found(ran, "proxies")) == {"cdn-unrouted", "moved", "stray6"}, describe(ran)


def test_new_domain_is_pending_and_clear(ran: Ran) -> None:
    """A domain younger than 48 hours may have no records yet; that is no reason to skip its checks."""
    new = {r["symptom"]: r["outcome"] for r in ran.document["results"] if r["system"] == "new"}
    judged = ("txt-missing", "cname-wrong", "https-broken", "certificate-expired", "certificate-invalid")
    assert {new[f"domain.{name}"] for name in judged} == {"clear"}, describe(ran)
