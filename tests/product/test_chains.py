"""Certificate chains as clients verify them, at a system's own address and at a custom domain."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from runbook_checks.suite.checks import domain_certificates

from runbook_checks import Found, NoReading
from runbook_checks.handles.certificates import Dated, Served
from runbook_checks.probes.tls.certificate import read
from runbook_checks.probes.tls.server import Handshake
from tests.harness import PROJECT
from tests.hostile.product import check, describe, outcomes
from tests.hostile.services import always, document
from tests.misbehaving.names import Nameserver
from tests.misbehaving.server import FakeServer
from tests.misbehaving.tls import serving
from tests.probes import pki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

NAME = "shop.example.test"
CERTIFICATE = "domain.certificate-"
TWO_YEARS = (-700, 60)
ROOT = pki.make("Root", is_ca=True, days=(-700, 3650), key=pki.rsa_key(2048, 1))
MIDDLE = pki.make("Middle", ROOT, is_ca=True, days=TWO_YEARS, key=pki.rsa_key(2048, 2))
OLD_ROOT = pki.make("Old Root", is_ca=True, days=(-3000, -10), key=pki.rsa_key(2048, 3))


def below(issuer: pki.Made = MIDDLE, *more: x509.ExtensionType, **settings: Any) -> pki.Made:
    return pki.make("leaf", issuer, **({"names": (NAME,), "days": (-30, 60), "more": more} | settings))


def middle(days: tuple[float, float], **settings: Any) -> pki.Made:
    return pki.make("Middle", ROOT, is_ca=True, days=days, key=MIDDLE.key, **settings)


def sha1(made: pki.Made, signer: pki.Made) -> bytes:
    return ssl.DER_cert_to_PEM_cert(pki.with_sha1(made, signer.key)).encode()


def only_below(name: str) -> x509.NameConstraints:
    return x509.NameConstraints([x509.DNSName(name)], None)


CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
CODE_SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
NO_AUTHORITY = pki.make("Middle", ROOT, is_ca=False, days=TWO_YEARS, key=MIDDLE.key)
ENDED, LATER, UPPER = middle((-30, -1)), middle((5, 60)), pki.make("Upper", ROOT, is_ca=True, days=(-30, -1))
LOWER = pki.make("Lower", UPPER, is_ca=True, days=TWO_YEARS)
CROSS = pki.make("Root", OLD_ROOT, is_ca=True, days=(-3000, -10), key=ROOT.key)
FRESH_CROSS = pki.make("Root", OLD_ROOT, is_ca=True, days=(-300, 3000), key=ROOT.key)
ELSEWHERE, AT_HOME = (middle(TWO_YEARS, more=(only_below(n),)) for n in ("other.test", "example.test"))

Chain = tuple[pki.Made, "Iterable[pki.Made | bytes]"]
FOUND: dict[str, tuple[Chain, str, str]] = {
    "intermediate-ended": ((below(ENDED), [ENDED]), "expired:expired", "CN=Middle"),
    "upper-ended": ((below(LOWER), [UPPER, LOWER]), "expired:expired", "CN=Upper"),
    "intermediate-not-yet": ((below(LATER), [LATER]), "expired:not-yet-valid", "CN=Middle"),
    "intermediate-ends-soon": ((below(middle((-300, 14))), [middle((-300, 14))]), "expiring:renewal-due", "CN=Middle"),
    "intermediate-ends": ((below(middle((-300, 3))), [middle((-300, 3))]), "expiring:renewal-failing", "CN=Middle"),
    "client-purpose": ((below(MIDDLE, CLIENT), [MIDDLE]), "invalid:chain-rejected", "purpose"),
    "code-signing": ((below(MIDDLE, CODE_SIGNING), [MIDDLE]), "invalid:chain-rejected", "purpose"),
    "issuer-is-no-authority": ((below(NO_AUTHORITY), [NO_AUTHORITY]), "invalid:chain-rejected", "CA cert"),
    "constrained": ((below(ELSEWHERE), [ELSEWHERE]), "invalid:chain-rejected", "permitted subtree"),
    "sha1-used": ((below(), [sha1(MIDDLE, ROOT)]), "invalid:weak-key-or-signature", "SHA1"),
}  # fmt: skip
CLEAR: dict[str, Chain] = {
    "healthy": (below(), [MIDDLE]),
    "expired-cross-sign-beside": (below(), [MIDDLE, CROSS]),
    "sha1-cross-sign-beside": (below(), [MIDDLE, sha1(FRESH_CROSS, OLD_ROOT)]),
    "expired-namesake-beside": (below(), [ENDED, MIDDLE]),
    "constrained-to-its-domain": (below(AT_HOME), [AT_HOME]),
    "intermediate-outlives-it": (below(days=(-30, 50)), [MIDDLE]),
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, dict[str, Any]]]:
    """Return the certificate results of each chain, from one run: served at an address, and at a custom domain."""
    folder = tmp_path_factory.mktemp("chains")
    (folder / "root.pem").write_bytes(ROOT.pem)
    chains = {name: chain for name, (chain, _, _) in FOUND.items()} | CLEAR
    systems: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        names = stack.enter_context(Nameserver({NAME: ["127.0.0.1"]}))
        for name, (leaf, chain) in chains.items():
            port = _serve(stack, folder, name, leaf, chain)
            common = {"ca_file": str(folder / "root.pem"), "resolver": names.address}
            systems[f"{name}-front"] = common | {"tls": {"address": f"127.0.0.1:{port}", "server_name": NAME}}
            domains = {"names": [NAME], "base_host": NAME, "port": str(port), "resolver": names.address}
            runbook = {"runbook": str(PROJECT / "runbooks" / "reverseai.yaml")}
            systems[f"{name}-domain"] = common | runbook | {"domains": domains}
        ran = check(folder / "run", systems, "-m", "domain")
    assert ran.code == 1, ran.output()
    return lambda system: {name: r for name, r in ran.of(system).items() if name.startswith(CERTIFICATE)}


def _serve(stack: ExitStack, folder: Path, name: str, leaf: pki.Made, chain: Iterable[pki.Made | bytes]) -> int:
    cert, key = leaf.write(folder, name=name)
    with open(cert, "ab") as file:
        file.writelines(made if isinstance(made, bytes) else made.pem for made in chain)
    return int(stack.enter_context(FakeServer(serving(cert, key, always(document({}))))).port)


SEEN_IN = ("expired", "expiring", "invalid")


@pytest.mark.parametrize("at", ["front", "domain"])
@pytest.mark.parametrize("name", FOUND)
def test_refused_chain_is_found_once(seen: Callable[[str], dict[str, dict[str, Any]]], name: str, at: str) -> None:
    results = seen(f"{name}-{at}")
    _, expected, words = FOUND[name]
    symptom, _, cause = expected.partition(":")
    expected_outcomes = {CERTIFICATE + one: "clear" for one in SEEN_IN} | {CERTIFICATE + symptom: f"found:{cause}"}
    assert {k: v for k, v in outcomes(results).items() if k in expected_outcomes} == expected_outcomes, describe(
        results
    )
    finding = results[CERTIFICATE + symptom]["findings"][0]
    assert words in finding["seen"]
    assert words in finding["because"]


@pytest.mark.parametrize("at", ["front", "domain"])
@pytest.mark.parametrize("name", CLEAR)
def test_chain_with_a_valid_path_is_clear(seen: Callable[[str], dict[str, dict[str, Any]]], name: str, at: str) -> None:
    results = seen(f"{name}-{at}")
    assert {outcomes(results)[CERTIFICATE + one] for one in SEEN_IN} == {"clear"}, describe(results)


class Refused:
    """Certificates of one server whose chain OpenSSL refuses with this code."""

    def __init__(self, code: int | None, leaf: pki.Made) -> None:
        chain = (read(leaf.der), read(MIDDLE.der))
        now = datetime.now(UTC)
        handshake = Handshake(
            "h", 443, NAME, "127.0.0.1:443", "TLSv1.3", chain, chain, trusted=False, verify_error="refused",
            verify_code=code, name_matches=code not in (62, 64), completed_by=None, time_of_look=now,
        )  # fmt: skip
        dates = Dated("it", chain[0].not_before, chain[0].not_after)
        self.one = Served("h", "h:443", NAME, dates, None, "CN=Middle", now, 21, 7, handshake)

    def served(self) -> tuple[list[Served], None]:
        return [replace(self.one)], None


@pytest.mark.parametrize(
    "leaf",
    [below(), below(days=(-30, -1)), pki.make(NAME, names=(NAME,))],
    ids=["issued", "expired", "self-signed"],
)
@pytest.mark.parametrize("code", [None, *range(1, 128)])
def test_no_verification_code_of_openssl_is_clear(code: int | None, leaf: pki.Made) -> None:
    """Whatever OpenSSL refuses, at least one check finds it or is unknown; X509_V_OK is 0."""
    refused: Any = Refused(code, leaf)
    raised = []
    for judge in (domain_certificates._outside_its_dates, domain_certificates._not_trusted):
        try:
            domain_certificates._judge(refused, judge)
        except (Found, NoReading) as error:
            raised.append(error)
    assert raised
