"""Facts from a TLS handshake, and hostile handshakes, which end in time."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.tls.certificate import covers, read
from runbook_checks.probes.tls.server import Handshake, look
from tests.misbehaving.http import healthy, proxy_to, resets_second_request, whole
from tests.misbehaving.server import BlackHole, FakeServer, Handler, Visit, refusing_port
from tests.misbehaving.tls import serving, wanting_name
from tests.probes import pki
from tests.probes.conftest import HERE, Misbehaving, taking

NAME = "cs.lab.test"


class Town:
    """A root, an intermediate, and servers with certificates below them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.root = pki.make("Root", is_ca=True, days=(-1, 3650))
        self.middle = pki.make("Middle", self.root, is_ca=True)
        self.ca_file = str(self._file("root.pem", self.root))
        self.bundle = str(self._file("middle.pem", self.middle, self.root))

    def _file(self, name: str, *made: pki.Made) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(m.pem for m in made))
        return path

    def run(self, handler: Handler) -> FakeServer:
        return self._stack.enter_context(FakeServer(handler))

    def serve(self, leaf: pki.Made, *chain: pki.Made, then: Handler | None = None, **settings: object) -> FakeServer:
        cert, key = leaf.write(self.folder, *chain)
        return self.run(serving(cert, key, then, **settings))

    def leaf(self, *names: str, **settings: object) -> pki.Made:
        return pki.make("leaf", self.middle, names=names or (NAME,), **settings)  # type: ignore[arg-type]

    def look(self, server: FakeServer, name: str = NAME, **settings: object) -> Handshake:
        settings = {"ca_file": self.ca_file, "far_ends": HERE} | settings
        return look("127.0.0.1", server.port, server_name=name, **settings)  # type: ignore[arg-type]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(tmp_path, stack)


def test_valid_chain_needs_one_connection(town: Town, entries: list[Reading]) -> None:
    leaf = town.leaf(NAME, "127.0.0.1")
    server = town.serve(leaf, town.middle)
    seen = town.look(server)
    assert (seen.trusted, seen.verify_error, seen.verify_code, seen.completed_by) == (True, None, None, None)
    assert seen.name_matches
    assert seen.protocol in ("TLSv1.2", "TLSv1.3")
    assert seen.peer == f"127.0.0.1:{server.port}"
    assert abs((datetime.now(UTC) - seen.time_of_look).total_seconds()) < 5
    assert [c.subject for c in seen.chain] == ["CN=leaf", "CN=Middle"]
    assert seen.leaf == read(leaf.der)
    assert server.visits == 1
    assert entries[0].facts["trusted"] is True


def test_the_facts_of_a_certificate(town: Town) -> None:
    found = read(town.leaf(NAME, "*.Lab.test", "127.0.0.1", key=pki.rsa_key(2048)).der)
    assert (found.subject, found.issuer) == ("CN=leaf", "CN=Middle")
    assert found.dns_names == (NAME, "*.lab.test")
    assert found.ip_addresses == ("127.0.0.1",)
    assert found.not_before == pki.NOW - pki.DAY
    assert found.not_after == pki.NOW + 30 * pki.DAY
    assert (found.key, found.is_weak, found.weakness, found.is_self_signed) == ("RSA 2048", False, None, False)
    assert len(found.sha256) == 64
    assert int(found.serial, 16) > 0
    assert read(town.root.der).is_self_signed


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [({"days": (-30, -1)}, 10, "certificate has expired"), ({"days": (1, 30)}, 9, "certificate is not yet valid")],
)
def test_dates_are_reported_like_openssl(town: Town, settings: dict[str, object], code: int, words: str) -> None:
    seen = town.look(town.serve(town.leaf(**settings), town.middle))
    assert (seen.trusted, seen.verify_code, seen.verify_error, seen.completed_by) == (False, code, words, None)
    assert seen.leaf.not_after == pki.NOW + settings["days"][1] * pki.DAY  # type: ignore[index]
    assert seen.name_matches


def test_wrong_name_is_not_a_trust_error(town: Town) -> None:
    seen = town.look(town.serve(town.leaf("other.lab.test"), town.middle))
    assert (seen.trusted, seen.name_matches) == (True, False)


def test_self_signed(town: Town) -> None:
    alone = pki.make(NAME, names=(NAME,))
    seen = town.look(town.serve(alone))
    assert (seen.trusted, seen.verify_code, seen.leaf.is_self_signed) == (False, 18, True)
    assert seen.completed_by is None


def test_untrusted_root(town: Town) -> None:
    stranger = pki.make("Strange Root", is_ca=True)
    leaf = pki.make("leaf", stranger, names=(NAME,))
    with_root = town.look(town.serve(leaf, stranger))
    assert (with_root.trusted, with_root.verify_code) == (False, 19)
    without = town.look(town.serve(leaf), intermediates_file=town.bundle)
    assert (without.trusted, without.verify_code, without.completed_by) == (False, 20, None)


def test_an_incomplete_chain_is_completed_by_a_bundle(town: Town) -> None:
    seen = town.look(town.serve(town.leaf()), intermediates_file=town.bundle)
    assert (seen.trusted, seen.completed_by, len(seen.chain)) == (False, "bundle", 1)
    assert seen.verify_code in (20, 21)


def test_a_root_in_the_bundle_is_not_trusted_for_it(town: Town) -> None:
    stranger = pki.make("Strange Root", is_ca=True)
    bundle = town.folder / "strange.pem"
    bundle.write_bytes(stranger.pem + town.middle.pem)
    seen = town.look(town.serve(pki.make("leaf", stranger, names=(NAME,))), intermediates_file=str(bundle))
    assert seen.completed_by is None


def test_issuer_with_the_right_name_and_another_key_completes_nothing(town: Town) -> None:
    bundle = town.folder / "namesake.pem"
    bundle.write_bytes(pki.make("Middle", town.root, is_ca=True).pem)
    seen = town.look(town.serve(town.leaf()), intermediates_file=str(bundle))
    assert (seen.trusted, seen.completed_by) == (False, None)


def test_expired_and_incomplete_chain_reports_both(town: Town) -> None:
    seen = town.look(town.serve(town.leaf(days=(-30, -1))), intermediates_file=town.bundle)
    assert (seen.trusted, seen.completed_by) == (False, "bundle")
    assert seen.leaf.not_after < seen.time_of_look


def _der(made: pki.Made) -> bytes:
    return made.der


def _pkcs7(made: pki.Made) -> bytes:
    return pkcs7.serialize_certificates([made.certificate], serialization.Encoding.DER)


@pytest.mark.parametrize("form", [_der, _pkcs7, lambda made: made.pem], ids=["der", "pkcs7", "pem"])
def test_an_incomplete_chain_is_completed_by_aia(town: Town, form: Callable[[pki.Made], bytes]) -> None:
    def issuer(visit: Visit) -> None:
        visit.request()
        visit.say(whole(form(town.middle)))

    shelf = town.run(issuer)
    server = town.serve(town.leaf(aia=f"{shelf.url}/middle.crt"))
    assert town.look(server).completed_by == "aia"
    assert shelf.visits == 1
    assert town.look(server, follow_aia=False).completed_by is None
    assert shelf.visits == 1


def test_aia_of_two_steps(town: Town) -> None:
    def shelf_of(made: pki.Made) -> FakeServer:
        def hand_out(visit: Visit) -> None:
            visit.request()
            visit.say(whole(made.der))

        return town.run(hand_out)

    upper = town.middle
    lower = pki.make("Lower", upper, is_ca=True, aia=f"{shelf_of(upper).url}/u")
    leaf = pki.make("leaf", lower, names=(NAME,), aia=f"{shelf_of(lower).url}/l")
    assert town.look(town.serve(leaf)).completed_by == "aia"


@pytest.mark.parametrize("name", ["http.silent", "http.oversized-unannounced", "http.html", "http.redirects-for-ever"])
def test_a_hostile_aia_is_no_completion(town: Town, misbehaving: Misbehaving, name: str) -> None:
    with taking(2.0):
        seen = town.look(town.serve(town.leaf(aia=f"{misbehaving(name).url}/m.crt")), timeout_s=1.0)
    assert (seen.trusted, seen.completed_by) == (False, None)


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/m.crt", "ldap:///cn=x", "http://[bad/", "file:///etc/passwd"])
def test_aia_without_an_http_address_is_no_completion(town: Town, url: str) -> None:
    assert town.look(town.serve(town.leaf(aia=url))).completed_by is None


def test_a_weak_key(town: Town) -> None:
    seen = town.look(town.serve(town.leaf(key=pki.rsa_key(1024)), town.middle))
    assert (seen.leaf.is_weak, seen.leaf.key) == (True, "RSA 1024")
    assert seen.leaf.weakness == "its RSA key has 1024 bits, fewer than 2048"


def test_weak_keys_and_signatures_by_kind(town: Town) -> None:
    short_ec = pki.make("x", key=ec.generate_private_key(ec.SECP192R1()))
    root = pki.make("r", key=pki.rsa_key(2048))
    old = pki.with_sha1(pki.make("x", root, key=pki.rsa_key(2048, 1)), root.key)
    old_root = pki.with_sha1(root, root.key)
    given_up = pki.make("x", town.root, key=dsa.generate_private_key(2048))
    modern = pki.make("x", town.root, key=ed25519.Ed25519PrivateKey.generate())
    assert read(short_ec.der).weakness == "its EC key has 192 bits, fewer than 224"
    assert read(old).weakness == "its signature uses SHA1"
    assert (read(old_root).is_self_signed, read(old_root).is_weak) == (True, False)
    assert "DSA" in (read(given_up.der).weakness or "")
    assert (read(modern.der).key, read(modern.der).is_weak) == ("Ed25519", False)


def test_a_long_chain(town: Town) -> None:
    chain = [town.middle]
    for number in range(20):
        chain.append(pki.make(f"Middle {number}", chain[-1], is_ca=True))
    leaf = pki.make("leaf", chain[-1], names=(NAME,))
    seen = town.look(town.serve(leaf, *reversed(chain)))
    assert (seen.trusted, len(seen.chain)) == (True, 22)


def test_an_endless_chain_ends(town: Town) -> None:
    leaf = town.leaf()
    server = town.serve(leaf, *[town.middle] * 400)
    with taking(3), pytest.raises(NoReading) as caught:
        town.look(server)
    assert caught.value.kind == "tls-failed"


def test_server_that_requires_sni(town: Town) -> None:
    server = town.run(wanting_name(*town.leaf().write(town.folder, town.middle), NAME))
    assert town.look(server).trusted
    with pytest.raises(NoReading, match="unrecognized name") as caught:
        town.look(server, name="other.lab.test")
    assert caught.value.kind == "tls-failed"


def test_old_protocol_version_is_read(town: Town) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = town.serve(
            town.leaf(),
            town.middle,
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )
    seen = town.look(server)
    assert (seen.protocol, seen.trusted, seen.verify_code) == ("TLSv1.1", False, None)
    assert seen.verify_error
    assert "ssl.c" not in seen.verify_error


HOSTILE = {
    "tls.silent": "read-timeout",
    "tls.stalls-after-hello": "read-timeout",
    "tls.drips": "read-timeout",
    "tls.plain-http": "tls-failed",
    "tls.garbage": "tls-failed",
    "tls.alert": "tls-failed",
    "tls.resets": "connection-reset",
    "tls.closes": "connection-reset",
}


def patience(name: str) -> float:
    return 0.6 if HOSTILE[name] == "read-timeout" else 4.0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_handshake_that_fails_is_named_in_time(misbehaving: Misbehaving, name: str) -> None:
    with taking(1.2), pytest.raises(NoReading) as caught:
        look("127.0.0.1", misbehaving(name).port, timeout_s=patience(name))
    assert (caught.value.kind, caught.value.resource) == (HOSTILE[name], "tls")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", HOSTILE)
def test_http_over_a_handshake_that_fails_is_named_in_time(misbehaving: Misbehaving, name: str) -> None:
    with taking(1.6), pytest.raises(NoReading) as caught:
        Http(f"https://127.0.0.1:{misbehaving(name).port}", timeout_s=patience(name)).get("/")
    assert caught.value.kind == HOSTILE[name]


def test_refused_and_black_holed() -> None:
    with refusing_port() as port, pytest.raises(NoReading) as refused:
        look("127.0.0.1", port)
    assert refused.value.kind == "connection-refused"
    with BlackHole() as hole, taking(1), pytest.raises(NoReading) as silent:
        look("127.0.0.1", hole.port, timeout_s=0.5)
    assert silent.value.kind == "connect-timeout"


def test_unusable_files_are_not_a_fault_of_the_server(town: Town) -> None:
    server = town.serve(town.leaf())
    empty = town.folder / "empty.pem"
    empty.write_text("")
    pipe = town.folder / "pipe"
    os.mkfifo(pipe)
    for settings in ({"ca_file": "/nonexistent"}, {"ca_file": str(empty)}, {"ca_file": str(pipe)}):
        with pytest.raises(NoReading) as caught:
            look("127.0.0.1", server.port, **settings)  # type: ignore[arg-type]
        assert caught.value.kind == "ca-file-unreadable"
    for path in ("/nonexistent", str(empty)):
        with pytest.raises(NoReading) as caught:
            town.look(server, intermediates_file=path)
        assert caught.value.kind == "ca-file-unreadable"


def subject_hash(lower: str) -> str:
    """Return the name that `openssl rehash` gives a file (X509_NAME_hash of the lower-case subject)."""
    inner = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, lower)]).public_bytes()[2:]
    return f"{int.from_bytes(hashlib.sha1(inner).digest()[:4], 'little'):08x}"  # noqa: S324  not for secrecy


def test_authorities_may_be_a_folder_hashed_by_openssl(town: Town) -> None:
    server = town.serve(town.leaf(), town.middle)
    folder = town.folder / "authorities"
    folder.mkdir()
    for is_there in (False, True):
        if is_there:
            (folder / f"{subject_hash('root')}.0").write_bytes(town.root.pem)
        seen = look("127.0.0.1", server.port, server_name=NAME, ca_file=str(folder))
        assert seen.trusted is is_there


def test_https_is_verified_and_timed(town: Town) -> None:
    leaf = town.leaf("127.0.0.1")
    server = town.serve(leaf, town.middle, then=healthy)
    http = Http(f"https://127.0.0.1:{server.port}", ca_file=town.ca_file)
    answer = http.get("/", fresh=True)
    assert answer.json() == {"status": "UP"}
    assert answer.timings.tls_ms is not None
    assert answer.timings.tls_ms > 0
    assert http.get("/a").status == http.get("/b").status == 200
    assert server.visits == 2


@pytest.mark.parametrize(
    ("names", "days", "words"),
    [(("127.0.0.1",), (-9, -1), "expired"), (("cs.lab.test",), (-1, 9), "IP address mismatch")],
)
def test_https_with_a_bad_certificate_is_tls_failed(
    town: Town, names: tuple[str, ...], days: tuple[float, float], words: str
) -> None:
    server = town.serve(town.leaf(*names, days=days), town.middle, then=healthy)
    with pytest.raises(NoReading, match=words) as caught:
        Http(f"https://127.0.0.1:{server.port}", ca_file=town.ca_file).get("/")
    assert caught.value.kind == "tls-failed"


def test_https_through_a_proxy(town: Town) -> None:
    server = town.serve(town.leaf("service.test"), town.middle, then=healthy)
    proxy = town.run(proxy_to(server.port))
    http = Http("https://service.test", ca_file=town.ca_file, proxy=f"http://127.0.0.1:{proxy.port}")
    answer = http.get("/", fresh=True)
    assert answer.json() == {"status": "UP"}
    assert answer.timings.tls_ms is not None
    assert http.get("/a").status == http.get("/b").status == 200
    assert proxy.visits == 2


def test_authorities_of_the_system_are_believed_where_that_is_wanted(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = town.serve(town.leaf("127.0.0.1"), town.middle, then=healthy)
    monkeypatch.setenv("SSL_CERT_FILE", town.ca_file)
    url = f"https://127.0.0.1:{server.port}"
    assert Http(url, trusts_system=True).get("/").status == 200
    with pytest.raises(NoReading) as caught:
        Http(url).get("/")
    assert caught.value.kind == "tls-failed"


def test_proxy_that_is_reached_over_tls_itself(town: Town) -> None:
    server = town.serve(town.leaf("service.test"), town.middle, then=healthy)
    proxy = town.serve(town.leaf("127.0.0.1"), town.middle, then=proxy_to(server.port))
    http = Http("https://service.test", ca_file=town.ca_file, proxy=f"https://127.0.0.1:{proxy.port}")
    assert http.get("/", fresh=True).json() == http.get("/a").json() == http.get("/b").json() == {"status": "UP"}
    assert proxy.visits == 2
    plain = town.serve(town.leaf("127.0.0.1"), town.middle, then=healthy)
    through = Http("http://service.test", ca_file=town.ca_file, proxy=f"https://127.0.0.1:{plain.port}")
    assert through.get("/").json() == {"status": "UP"}


def test_tunnel_that_broke_while_idle_is_made_anew(town: Town) -> None:
    server = town.serve(town.leaf("service.test"), town.middle, then=resets_second_request)
    proxy = town.run(proxy_to(server.port))
    http = Http("https://service.test", ca_file=town.ca_file, proxy=f"http://127.0.0.1:{proxy.port}")
    assert http.get("/a").status == 200
    second = http.get("/b")
    assert (second.status, second.attempts, proxy.visits) == (200, 1, 2)


def test_a_bad_certificate_behind_a_proxy_is_the_service_s_own(town: Town) -> None:
    server = town.serve(town.leaf("service.test", days=(-9, -1)), town.middle, then=healthy)
    proxy = town.run(proxy_to(server.port))
    with pytest.raises(NoReading, match="expired") as caught:
        Http("https://service.test", ca_file=town.ca_file, proxy=f"http://127.0.0.1:{proxy.port}").get("/")
    assert caught.value.kind == "tls-failed"


def test_common_name_alone_does_not_count(town: Town) -> None:
    server = town.serve(pki.make("127.0.0.1", town.middle), town.middle, then=healthy)
    with pytest.raises(NoReading) as caught:
        Http(f"https://127.0.0.1:{server.port}", ca_file=town.ca_file).get("/")
    assert caught.value.kind == "tls-failed"


def test_client_certificate_is_sent_on_request(town: Town) -> None:
    server = town.serve(
        town.leaf("127.0.0.1"), town.middle, then=healthy, verify_mode=ssl.CERT_REQUIRED,
        maximum_version=ssl.TLSVersion.TLSv1_2,
    )  # fmt: skip
    base = f"https://127.0.0.1:{server.port}"
    with pytest.raises(NoReading):
        Http(base, ca_file=town.ca_file).get("/")
    with pytest.raises(NoReading) as caught:
        Http(base, ca_file=town.ca_file, client_certificate=("/nonexistent", "/nonexistent")).get("/")
    assert caught.value.kind == "client-certificate-unreadable"


def test_encrypted_client_key_does_not_prompt(town: Town) -> None:
    made = town.leaf()
    cert, key = made.write(town.folder)
    Path(key).write_bytes(
        made.key.private_bytes(
            pki.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
        )
    )
    with taking(1), pytest.raises(NoReading) as caught:
        Http("https://127.0.0.1:1", ca_file=town.ca_file, client_certificate=(cert, key)).get("/")
    assert caught.value.kind == "client-certificate-unreadable"


@pytest.mark.parametrize(
    ("name", "is_covered"),
    [
        ("cs.lab.test", True),
        ("CS.LAB.TEST.", True),
        ("a.wild.test", True),
        ("wild.test", False),
        ("a.b.wild.test", False),
        ("x.test", False),
        ("bücher.lab.test", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("127.0.0.2", False),
        ("other.test", False),
        ("", False),
    ],
)
def test_names_that_a_certificate_covers(name: str, is_covered: bool) -> None:
    names = (
        "cs.lab.test",
        "*.wild.test",
        "*.test",
        "xn--bcher-kva.lab.test",
        "127.0.0.1",
        str(ipaddress.ip_address("::1")),
    )
    assert covers(read(pki.make("other.test", names=names).der), name) is is_covered
