"""The servers that a DSN names, without any setting from outside the DSN."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest
from psycopg import pq

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql.dsn import parse as parse_mysql
from runbook_checks.probes.postgres.dsn import NOWHERE, Place, conninfo, parse

PLACES = {
    "postgresql://u@db.test/d": [Place("db.test", 5432, None)],
    "postgresql://u@db.test:6432/d": [Place("db.test", 6432, None)],
    "postgresql://u@a.test:1,b.test:65535/d": [Place("a.test", 1, None), Place("b.test", 65535, None)],
    "host=a.test,b.test port=6432": [Place("a.test", 6432, None), Place("b.test", 6432, None)],
    "host=a.test,b.test port=,6432": [Place("a.test", 5432, None), Place("b.test", 6432, None)],
    "host=a.test hostaddr=10.0.0.1": [Place("a.test", 5432, "10.0.0.1")],
    "hostaddr=10.0.0.1,10.0.0.2": [Place("10.0.0.1", 5432, "10.0.0.1"), Place("10.0.0.2", 5432, "10.0.0.2")],
    "host=a.test hostaddr=10.0.0.1,10.0.0.2": [Place("a.test", 5432, "10.0.0.1"), Place("a.test", 5432, "10.0.0.2")],
    "host=a.test,b.test hostaddr=10.0.0.1": [Place("a.test", 5432, "10.0.0.1"), Place("b.test", 5432, "10.0.0.1")],
    "user=u": [Place("", 5432, None)],
    "host=/run/pg": [Place("/run/pg", 5432, None)],
}
MALFORMED = [
    *("", "   ", "nonsense", "postgresql://u@[::1/d", "host=a port=0", "host=a port=65536", "host=a port=x"),
    *("host=a,b port=1,2,3", "host=a port=1,2", "host=a,b,c port=1,2", "host=a,b hostaddr=1.1.1.1,2.2.2.2,3.3.3.3"),
    "host=a,b,c hostaddr=1.1.1.1,2.2.2.2 port=1,2,3",
]
# With two values for a key, one may be the rest of a password; libpq refuses text after a closing quote.
TWICE = [
    "host=db.test user=u password=Qzrtvx host=wvxkjq",
    "host=db.test password=Qzrtvx hostaddr=10.1.2.3 hostaddr=10.1.2.4",
    *("host=db.test user=u user=wvxkjq", "host=db.test dbname=d dbname=wvxkjq", "host=db.test port=1 port=2"),
    "host=db.test password='Qzrtvx'wvxkjq",
    "host=db.test password='Qzrtvx'host=wvxkjq",
    "postgresql://u:Qzrtvx@db.test/d?sslmode=require&sslmode=disable",
    *("postgresql://u:Qzrtvx@db.test/d?host=wvxkjq", "postgresql://db.test/d?password=a&password=Qzrtvx"),
    *("postgresql://u@db.test/d?user=wvxkjq", "postgresql://u@db.test/d?dbname=wvxkjq"),
]


def test_servers_of_a_dsn() -> None:
    assert {dsn: [*parse(dsn, "postgres", None).places] for dsn in PLACES} == PLACES


def test_invalid_dsn_is_reported_without_quoting_it() -> None:
    for dsn in MALFORMED:
        with pytest.raises(NoReading) as caught:
            parse(dsn, "postgres", None)
        assert caught.value.kind == "dsn-malformed"
        assert len(dsn) < 3 or dsn not in caught.value.reason


@pytest.mark.parametrize("dsn", TWICE)
def test_duplicate_key_is_refused(dsn: str) -> None:
    with pytest.raises(NoReading) as caught:
        parse(dsn, "postgres", None)
    assert caught.value.kind == "dsn-malformed"
    assert not any(piece in caught.value.reason for piece in ("Qzrtvx", "wvxkjq", "10.1"))


def test_a_quoted_value_keeps_its_blanks() -> None:
    reported = parse(r"host = 'db.test' password='a b\'c' user=u", "postgres", None)
    assert (reported.places[0].host, reported.password) == ("db.test", "a b'c")


def test_a_parameter_of_mysql_is_given_once() -> None:
    with pytest.raises(NoReading) as caught:
        parse_mysql("mysql://u:Qzrtvx@db.test/d?ssl-mode=VERIFY_IDENTITY&ssl-mode=DISABLED", "mysql", None)
    assert caught.value.kind == "dsn-malformed"


def test_servers_on_this_machine() -> None:
    for host, is_local in (("", True), ("/run/pg", True), ("@abstract", True), ("db.test", False), ("10.0.0.1", False)):
        assert Place(host, 5432, None).is_local == is_local


def test_defaults_of_a_dsn() -> None:
    reported = parse("postgresql://u:p%40ss@db.test/d?connect_timeout=7&application_name=x", "postgres", None)
    assert (reported.user, reported.database, reported.password) == ("u", "d", "p@ss")
    assert "p@ss" not in repr(reported)
    assert reported.options["passfile"] == reported.options["sslrootcert"] == NOWHERE
    assert reported.options["application_name"] == "runbook-checks"
    assert "connect_timeout" not in reported.options
    assert parse("postgresql://u@db.test", "postgres", None).database == "u"
    anonymous = parse("host=db.test", "postgres", None)
    assert (anonymous.user, anonymous.database, anonymous.password) == ("", "", "")


def test_trusted_authorities(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("x")
    given = parse("host=a", "postgres", str(file)).options
    assert (given["sslrootcert"], given["sslmode"]) == (str(file), "verify-full")
    own_file = str(file)
    for mode in ("verify-ca", "verify-full"):
        assert parse(f"host=a sslmode={mode}", "postgres", None).options["sslrootcert"] == certifi.where()
        own = parse(f"host=a sslmode={mode} sslrootcert={own_file}", "postgres", None).options
        assert own["sslrootcert"] == own_file
    assert parse("host=a sslmode=require", "postgres", None).options["sslrootcert"] == NOWHERE
    for missing in (str(tmp_path), str(tmp_path / "none.pem")):
        with pytest.raises(NoReading) as caught:
            parse("host=a", "postgres", missing)
        assert (caught.value.kind, caught.value.evidence) == ("ca-file-unreadable", {"ca_file": missing})


def options(place: Place, address: str | None, **more: str) -> dict[str, str]:
    found = pq.Conninfo.parse(conninfo({"user": "u"}, place, address, **more))
    return {option.keyword.decode(): option.val.decode() for option in found if option.val}


def test_libpq_parameters_for_one_server() -> None:
    assert options(Place("db.test", 6432, None), "10.0.0.1", dbname="d") == {
        "user": "u",
        "dbname": "d",
        "port": "6432",
        "host": "db.test",
        "hostaddr": "10.0.0.1",
    }
    assert options(Place("", 5432, None), None) == {"user": "u", "port": "5432"}
