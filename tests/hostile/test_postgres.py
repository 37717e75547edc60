"""Whatever the database does, the run ends in time and reports the right cause or unknown."""

from __future__ import annotations

import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

import tests.misbehaving.postgres  # noqa: F401 - it fills the registry
from tests.hostile.product import PASSWORD, check, describe, dsn, must_be_orderly, outcomes, postgres
from tests.misbehaving.postgres import LET_IN, READY, SEEN, message, next_message, refusal, startup
from tests.misbehaving.server import REGISTRY, BlackHole, FakeServer, refusing_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.misbehaving.server import Handler, Visit

# The cause that database.unreachable reports for each; None if the runbook has no cause for it.
BEASTS = {
    "never-greets": "connect-timeout",
    "silent-after-tls-refused": "connect-timeout",
    "silent-tls": "connect-timeout",
    "silent-after-startup": "connect-timeout",
    "scram-stalls": "connect-timeout",
    "scram-for-ever": None,
    "drips-refusal": "connect-timeout",
    "garbage": None,
    "garbage-after-startup": None,
    "http": None,
    "resets": None,
    "closes-after-startup": None,
    "half-closed": None,
    "starting-up": "starting-up",
    "starting-up-chinese": "starting-up",
    "no-sqlstate-chinese": "authentication-failed",
    "pooler-wants-tls": "tls-required",
    "cloud-wants-tls": "tls-required",
    "pooler-unknown-database": "database-missing",
    "repeats-password": "authentication-failed",
}
MID_QUERY = (
    "silent-mid-query",
    "silent-after-signing-in",
    "resets-mid-query",
    "half-closed-mid-query",
    "garbage-mid-query",
    "endless-rows",
    "drips-rows",
    "endless-notices",
)


def refusing(code: str, text: str, encoding: str = "utf-8") -> Handler:
    def handle(visit: Visit) -> None:
        startup(visit)
        visit.say(refusal(code, text, encoding))

    return handle


def asking_for(method: int) -> Handler:
    """A server that requires an unknown authentication method."""

    def handle(visit: Visit) -> None:
        startup(visit)
        visit.say(message(b"R", struct.pack("!I", method) + b"\0" * 8))
        visit.stay_silent()

    return handle


def endless_message(visit: Visit) -> None:
    startup(visit)
    visit.say(b"E" + struct.pack("!I", 0x7FFFFFFF))
    while True:
        visit.say(b"SFATAL\0" * 10_000)


NAMED = {
    "wants-clear-text": "in clear text",
    "another-machine": "add sslmode=verify-full, or sslmode=disable",
    "other-keyword": "the parameter 'service' is not supported",
    "asks-for-kerberos": "authentication method requirement",
}
REFUSED = "authentication-failed"
REFUSALS: dict[str, tuple[Handler, str | None]] = {
    "wrong-password": (refusing("28P01", 'password authentication failed for user "cs_monitor"'), REFUSED),
    "no-such-role": (refusing("28000", 'role "cs_monitor" does not exist'), REFUSED),
    "no-such-database": (refusing("3D000", 'database "ai_customer_service" does not exist'), "database-missing"),
    "full": (refusing("53300", "sorry, too many clients already"), "too-many-connections"),
    "reserved": (refusing("53300", "remaining connection slots are reserved"), "too-many-connections"),
    "not-from-here": (refusing("28000", 'no pg_hba.conf entry for host "10.0.0.1", user "x"'), "host-not-allowed"),
    "in-colour": (refusing("28P01", "\x1b[31mpassword authentication failed\u202e\x9b\r\n\x07"), REFUSED),
    "at-length": (refusing("28P01", "password authentication failed " * 2000), REFUSED),
    "in-latin": (refusing("28P01", "Passwort-Authentifizierung f\xfcr Benutzer fehlgeschlagen", "latin-1"), REFUSED),
}


def test_databases_that_refuse_logins(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers: dict[str, tuple[Handler, str | None]] = {n: (REGISTRY[f"postgres.{n}"], c) for n, c in BEASTS.items()}
        servers |= REFUSALS
        places = [stack.enter_context(FakeServer(handler)) for handler, _ in servers.values()]
        dsns = tuple(dsn(place.host, place.port) for place in places)
        ran = check(tmp_path, {name: postgres(n) for n, name in enumerate(servers)}, dsns=dsns)
    must_be_orderly(ran)
    for name, (_, cause) in servers.items():
        got = outcomes(ran.of(name))
        assert got.pop("database.unreachable") == f"found:{cause}", f"{name}\n{describe(ran.of(name))}"
        assert set(got.values()) == {"unknown"}, f"{name}\n{describe(ran.of(name))}"
        assert f"database.unreachable[{name}]" in ran.document["roots"]
    assert len(ran.document["roots"]) == len(servers), ran.document["roots"]


def waits_in_the_pool(visit: Visit) -> None:
    """A pooler accepts every client, and has no server connection left for the first statement."""
    startup(visit)
    visit.say(LET_IN, READY)
    next_message(visit)
    visit.say(refusal("08P01", "query_wait_timeout"))


LIMITED: dict[str, Handler] = {
    "role": refusing("53300", 'too many connections for role "cs_monitor"'),
    "role-in-german": refusing("53300", "zu viele Verbindungen von Rolle »cs_monitor«"),
    "pooler": refusing("08P01", "client connections exceeded (max_user_client_connections)"),
    "session-pool": refusing("XX000", "MaxClientsInSessionMode: max clients reached"),
    "pool-at-work": waits_in_the_pool,
}


def test_limit_of_the_monitoring_account_is_unknown(tmp_path: Path) -> None:
    with ExitStack() as stack:
        places = [stack.enter_context(FakeServer(handler)) for handler in LIMITED.values()]
        dsns = tuple(dsn(place.host, place.port) for place in places)
        systems = {name: postgres(n, deadline_s=2.0) for n, name in enumerate(LIMITED)}
        ran = check(tmp_path, systems, dsns=dsns)
    must_be_orderly(ran, deadline_s=2.0)
    assert ran.code == 10, ran.output()
    assert set(ran.document["roots"]) == {f"unreadable:postgres[{name}]" for name in LIMITED}
    for name in LIMITED:
        for result in ran.of(name).values():
            assert (result["outcome"], result["resource"]) == ("unknown", "postgres"), describe(ran.of(name))
            assert "run fewer at once" in result["reason"], describe(ran.of(name))


def test_databases_that_disconnect_during_a_statement(tmp_path: Path) -> None:
    with ExitStack() as stack:
        places = [stack.enter_context(FakeServer(REGISTRY[f"postgres.{name}"])) for name in MID_QUERY]
        dsns = tuple(dsn(place.host, place.port) for place in places)
        ran = check(tmp_path, {name: postgres(n) for n, name in enumerate(MID_QUERY)}, dsns=dsns)
    must_be_orderly(ran)
    for name in MID_QUERY:
        got = outcomes(ran.of(name))
        assert got.pop("database.unreachable") in ("found:None", "unknown"), f"{name}\n{describe(ran.of(name))}"
        assert set(got.values()) == {"unknown"}, f"{name}\n{describe(ran.of(name))}"


def test_unreachable_databases_and_invalid_dsns(tmp_path: Path) -> None:
    odd = {"endless-message": endless_message, "asks-for-kerberos": asking_for(7), "asks-for-nonsense": asking_for(99)}
    with ExitStack() as stack:
        hole = stack.enter_context(BlackHole())
        dsns = {
            "closed-port": dsn("127.0.0.1", stack.enter_context(refusing_port())),
            "swallowed": dsn("127.0.0.1", hole.port),
            "nameless": dsn("db.does-not-exist.invalid", 5432),
            "no-dsn": "this is not a DSN",
            "other-engine": "mysql://me:planted-database-password-0123456789@127.0.0.1:3306/db",
            "port-of-letters": "postgresql://me@127.0.0.1:port/db",
            "port-too-high": "postgresql://me@127.0.0.1:70000/db",
            "nul": "postgresql://me%00@127.0.0.1:1/db",
            "folder": "postgresql:///db?host=/does/not/exist",
            "escapes": "postgresql://me@\x1b[31m\u202e:5432/db",
        }
        odd["wants-clear-text"] = REGISTRY["postgres.wants-clear-text"]
        for name, handler in odd.items():
            place = stack.enter_context(FakeServer(handler))
            dsns[name] = dsn(place.host, place.port)
        dsns["another-machine"] = f"postgresql://cs_monitor:{PASSWORD}@192.0.2.7/d"  # unused address (RFC 5737)
        dsns["other-keyword"] = f"{dsns['wants-clear-text']}?service=pay"
        ran = check(tmp_path, {name: postgres(n) for n, name in enumerate(dsns)}, dsns=tuple(dsns.values()))
    assert SEEN == []
    for name, words in NAMED.items():
        assert words in ran.of(name)["database.unreachable"]["reason"], describe(ran.of(name))
    must_be_orderly(ran)
    causes = {"closed-port": "connection-refused", "swallowed": "connect-timeout", "nameless": "name-not-resolved"}
    for name in dsns:
        got = outcomes(ran.of(name))
        if name in causes:
            assert got["database.unreachable"] == f"found:{causes[name]}", f"{name}\n{describe(ran.of(name))}"
        else:
            assert got["database.unreachable"] != "clear", f"{name}\n{describe(ran.of(name))}"
        del got["database.unreachable"]
        assert set(got.values()) == {"unknown"}, f"{name}\n{describe(ran.of(name))}"
