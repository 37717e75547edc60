"""The Redis probe with healthy servers, and with other servers on its port."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_checks.probes.core.reading import NoReading, Reading
from runbook_checks.probes.redis.client import Redis
from tests.misbehaving.server import REGISTRY, FakeServer
from tests.misbehaving.tls import serving
from tests.probes.conftest import Misbehaving, taking
from tests.probes.pki import make

SILENT = {
    "without-memory": "malformed-answer",
    "memory-is-text": "malformed-answer",
    "info-forbidden": "no-privilege",
    "info-is-nothing": "malformed-answer",
    "without-a-number": "malformed-answer",
    "loading": "starting-up",
    "wants-login": "authentication-failed",
    "says-something-else": "malformed-answer",
    "no-protocol": "malformed-answer",
    "endless-length": "malformed-answer",
    "endless-line": "malformed-answer",
    "full": "too-many-clients",
    "silent": "read-timeout",
    "drips": "read-timeout",
    "hangs-up": "connection-reset",
}


def redis(url: str, timeout_s: float = 5) -> Redis:
    return Redis(url.replace("http://", "redis://"), timeout_s=timeout_s, resolver=None, ca_file=None)


@pytest.mark.parametrize("name", ["healthy", "in-pieces"])
def test_healthy_server_is_read(misbehaving: Misbehaving, name: str) -> None:
    facts = redis(misbehaving(f"redis.{name}").url).look()
    assert (facts.used_memory, facts.max_memory, facts.is_read_only, facts.refusal) == (1000000, 0, False, None)


def test_replica_and_refused_writes_are_reported(misbehaving: Misbehaving) -> None:
    assert redis(misbehaving("redis.replica").url).look().is_read_only
    assert redis(misbehaving("redis.snapshot-failed").url).look().refusal == "Redis is configured to save RDB snapshots"
    assert redis(misbehaving("redis.log-failed").url).look().refusal == "Errors writing to the AOF file: No space left"
    assert redis(misbehaving("redis.snapshot-failed-and-writes-go-on").url).look().refusal is None
    for name in ("writable-replica", "master-with-old-settings"):
        assert not redis(misbehaving(f"redis.{name}").url).look().is_read_only


def test_default_port_and_login() -> None:
    assert redis("redis://h.test").evidence() == {
        "host": "h.test",
        "port": 6379,
        "place": "h.test:6379",
        "user": "default",
    }
    assert redis("redis://ops:x@h.test:7000").evidence()["user"] == "ops"


@pytest.mark.parametrize(("name", "kind"), SILENT.items())
def test_kind_of_no_reading(misbehaving: Misbehaving, name: str, kind: str) -> None:
    server = misbehaving(f"redis.{name}")
    with taking(1.0), pytest.raises(NoReading) as caught:
        redis(server.url, 0.6).look()
    assert caught.value.kind == kind, caught.value.reason
    assert caught.value.resource == "redis"


def test_password_is_sent_only_to_the_server(misbehaving: Misbehaving, entries: list[Reading]) -> None:
    url = misbehaving("redis.wrong-password").url.replace("http://", "redis://monitor:very-secret-word@")
    with pytest.raises(NoReading) as caught:
        redis(url).look()
    assert caught.value.kind == "authentication-failed"
    said = f"{caught.value.reason} {caught.value.evidence} {[entry.__dict__ for entry in entries]}"
    assert "very-secret-word" not in said


def test_untrusted_tls_server_gets_no_command(tmp_path: Path) -> None:
    authority = make("authority", is_ca=True)
    cert, key = make("redis", authority, names=("127.0.0.1",)).write(tmp_path)
    trusted, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    trusted.write_bytes(authority.pem)
    other.write_bytes(make("stranger", is_ca=True).pem)
    with FakeServer(serving(cert, key, REGISTRY["redis.healthy"])) as server:
        url = server.url.replace("http://", "rediss://")
        assert Redis(url, timeout_s=1, resolver=None, ca_file=str(trusted)).look().role == "master"
        with pytest.raises(NoReading) as caught:
            Redis(url, timeout_s=1, resolver=None, ca_file=str(other)).look()
    assert caught.value.kind == "tls-failed"


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://", "redis://h:70000", "unix:///x"])
def test_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(NoReading) as caught:
        Redis(url, timeout_s=1, resolver=None, ca_file=None)
    assert caught.value.kind == "dsn-malformed"
