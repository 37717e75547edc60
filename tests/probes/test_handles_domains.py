"""For many custom domains: the stage that a visitor reaches, and the certificates that are readable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.handles.certificates import Certificates
from runbook_checks.handles.domains import Domains
from runbook_checks.handles.sites import Sites
from runbook_checks.probes.core.reading import NoReading
from tests.hostile.services import always, document
from tests.misbehaving.http import resets_at_once
from tests.misbehaving.names import Nameserver
from tests.misbehaving.server import FakeServer, Handler
from tests.misbehaving.tls import resets, serving
from tests.probes import pki
from tests.probes.handles import handle

ZONE = {
    "apps.shop.test": ["127.0.0.1"],
    "good.shop.test": ["127.0.0.1"],
    "gone.shop.test": ["127.0.0.2"],
    "unshaken.shop.test": ["127.0.0.3"],
    "unanswered.shop.test": ["127.0.0.4"],
    "unrouted.shop.test": ["127.0.0.5"],
}
NAMES = [*list(ZONE)[1:], "nowhere.shop.test"]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings for domains whose servers cover all cases."""
    authority = pki.make("Test CA", is_ca=True)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    pair = pki.make("shop.test", authority, names=("*.shop.test",)).write(tmp_path)
    unrouted = document({"code": "ROUTING_FAILED"}, status="404 No")
    handlers: dict[str, Handler] = {
        "127.0.0.1": serving(*pair, always(document({}))),
        "127.0.0.3": resets,
        "127.0.0.4": serving(*pair, resets_at_once),
        "127.0.0.5": serving(*pair, always(unrouted)),
    }
    with ExitStack() as stack:
        names = stack.enter_context(Nameserver(ZONE))
        port = 0
        for host, handler in handlers.items():
            port = stack.enter_context(FakeServer(handler, host, port)).port
        domains = {"names": NAMES, "base_host": "apps.shop.test", "resolver": names.address, "port": str(port)}
        ours = {"authoritative_port": names.address.rpartition(":")[2], "timeout_s": 2}
        yield {"domains": domains | ours, "ca_file": "ca.pem", "resolver": names.address}


def test_stage_that_a_visitor_of_each_domain_reaches(tmp_path: Path, given: dict[str, Any]) -> None:
    with handle(Sites, tmp_path, **given) as sites:
        found, gone = sites.seen()
        reported = {site.name.partition(".")[0]: site for site in found}
    assert set(reported) == {"good", "gone", "unshaken", "unanswered", "unrouted"}
    assert gone is not None
    assert "nowhere.shop.test" in gone.reason
    for name, site in reported.items():
        ends = {stage for stage in ("unconnected", "unshaken", "unanswered") if getattr(site, stage)}
        assert ends == {"gone": {"unconnected"}, "unshaken": {"unshaken"}, "unanswered": {"unanswered"}}.get(
            name, set()
        )
    assert (reported["good"].status, reported["good"].code) == (200, None)
    assert (reported["unrouted"].status, reported["unrouted"].code) == (404, "ROUTING_FAILED")
    assert reported["gone"].address == f"127.0.0.2:{given['domains']['port']}"
    assert reported["good"].address == f"127.0.0.1:{given['domains']['port']}"


def test_readable_certificates(tmp_path: Path, given: dict[str, Any]) -> None:
    with handle(Certificates, tmp_path, **given) as certificates:
        served, gone = certificates.served()
        reported = {one.subject.partition(".")[0]: one for one in served}
    assert set(reported) == {"good", "unanswered", "unrouted"}
    assert gone is not None
    assert all(f"{name}.shop.test" in gone.reason for name in ("gone", "unshaken", "nowhere"))
    assert (reported["good"].issuer, reported["good"].warn_days, reported["good"].alarm_days) == ("CN=Test CA", 21, 7)
    assert (reported["good"].leaf.not_after - reported["good"].now).days in (29, 30)


def test_certificate_of_a_site_without_a_response_is_read(tmp_path: Path, given: dict[str, Any]) -> None:
    given["domains"]["names"] = ["good.shop.test", "unanswered.shop.test"]
    with handle(Certificates, tmp_path, **given) as certificates:
        served, gone = certificates.served()
        assert (len([*served]), gone) == (2, None)
    with handle(Domains, tmp_path, **given) as domains:
        domains.require_all_seen()
    given["domains"]["names"] = ["good.shop.test", "unshaken.shop.test"]
    with handle(Domains, tmp_path, **given) as domains, pytest.raises(NoReading, match=r"unshaken\.shop\.test"):
        domains.require_all_seen()


def test_site_with_a_rate_limit_is_not_read(tmp_path: Path, given: dict[str, Any]) -> None:
    with ExitStack() as stack:
        authority = pki.make("Test CA", is_ca=True)
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        pair = pki.make("shop.test", authority, names=("*.shop.test",)).write(tmp_path)
        busy = document({"code": "ROUTING_FAILED"}, status="429 Too Many Requests")
        front = stack.enter_context(FakeServer(serving(*pair, always(busy))))
        domains = {**given["domains"], "names": ["good.shop.test"], "port": str(front.port)}
        sites = stack.enter_context(handle(Sites, tmp_path, **{**given, "domains": domains}))
        found, gone = sites.seen()
        assert [*found] == []
    assert gone is not None
    assert "good.shop.test (rate limited (HTTP 429))" in gone.reason
