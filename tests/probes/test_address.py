"""An address is parsed unambiguously, or refused in a sentence that quotes none of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq

from runbook_checks.config.addresses import is_address
from runbook_checks.inputs.address import Malformed, loose_password, split
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql.dsn import parse as parse_mysql
from runbook_checks.probes.postgres.dsn import parse
from runbook_checks.probes.redis.client import Redis

# Characters that may be unescaped in user and password (RFC 3986, 3.2.1), and some unambiguous others.
PLAIN = "a:b!$&'()*+,;=-._~^|{}`\"<>"
# The user, password, host and port of each.
GOOD = {
    "postgresql://u:p%40ss@db.test:5433/d": ("u", "p@ss", "db.test", 5433),
    "mysql://u:p%2Fq%3Fr%23s%25@10.0.0.1/d": ("u", "p/q?r#s%", "10.0.0.1", None),
    "redis://:only-a-password@cache_1": ("", "only-a-password", "cache_1", None),
    "https://token@[2001:db8::1]:8443/x?y=z": ("token", "", "2001:db8::1", 8443),
    f"https://u:{PLAIN}@h/": ("u", PLAIN, "h", None),
    "https://h./": ("", "", "h.", None),
    "https://b\u00fccher.example/": ("", "", "b\u00fccher.example", None),
    "  https://h  ": ("", "", "h", None),
}
ODD = [
    *(
        "",
        "h",
        "http:/h",
        "http://",
        "http://:80",
        "://h",
        "http://h:0",
        "http://h:65536",
        "http://h:+1",
        "http://h:1_0",
    ),
    *(
        "http://h:\u0661",
        "http://[::1",
        "http://::1",
        "http://[h]",
        "http://[1.2.3.4]",
        "http://h h",
        "http://-h",
        "http://h..x",
    ),
    *(
        "http://u:p@q@h",
        "http://u:p/q@h",
        "http://u:1/q@h",
        "http://u:p?q@h",
        "http://u:p#q@h",
        "http://h/@x",
        "http://h?a=b@c",
    ),
    *("http://u:p%@h", "http://u:p%zz@h", "http://u:p%4@h", "http://u:p q@h", "http://u:p\tq@h", "http://u:p\nq@h"),
    *(
        "http://u:p[q@h",
        "http://u:p]q@h",
        "http://u:p\\q@h",
        "http://u:p\u00e4@h",
        "http://u:p\u2100@h",
        "http://u:p\x00@h",
    ),
    *("http://u:p@%2Frun", "http://u:p@h%20", "http://u:p@a,b", "http://u:p@", "http://u:p@h:x"),
]


@pytest.mark.parametrize("text", GOOD)
def test_parts(text: str) -> None:
    parts = split(text)
    assert (parts.user, parts.password, parts.host, parts.port) == GOOD[text]
    assert not parts.password or parts.password not in repr(parts)
    if text.strip().startswith("http"):
        assert is_address(text)


@pytest.mark.parametrize("text", ODD)
def test_invalid_address(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        split(text)
    assert len(str(caught.value)) > 10
    assert not is_address(text)


@given(st.text(st.sampled_from("ab@/?#:%[] \\\u00e4\n"), min_size=1, max_size=12))
def test_host_is_never_a_part_of_a_password(password: str) -> None:
    """For any unescaped password, the host is the intended one, or missing."""
    for scheme in ("http", "postgresql", "mysql", "redis"):
        text = f"{scheme}://user:{password}@host.test/d"
        try:
            parts = split(text, is_list=scheme == "postgresql")
        except Malformed:
            assert loose_password(text) == password
        else:
            assert parts.hosts == (("host.test", None),)
        if scheme == "http":
            assert is_address(text) == bool(_is_accepted(text))


def _is_accepted(text: str) -> bool:
    try:
        return split(text).scheme in ("http", "https")
    except Malformed:
        return False


@given(st.text(st.sampled_from("aZ09._-:@/?#%[]"), max_size=14))
def test_both_parsers_agree(rest: str) -> None:
    for text in (f"http://{rest}", f"https://U:P4ss@{rest}"):
        assert is_address(text) == _is_accepted(text), text


HARD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(HARD, HARD)
def test_percent_encoding_is_decoded(user: str, password: str) -> None:
    from urllib.parse import quote

    parts = split(f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@h/d")
    assert (parts.user, parts.password) == (user, password)


DSNS = [
    "postgresql://u@h/d",
    "postgres://u:p%40@h:1,[::1]:2,k/d?sslmode=require&connect_timeout=3",
    "postgresql://%2Frun%2Fpg/d",
    "postgresql:///d?host=/run/pg&user=u&password=x",
    "postgresql://u:p:q@h",
    "postgresql://h?options=-c%20statement_timeout%3D1s&keepalives=1",
    "host=h user='u v' password='its' dbname=d",
    r"host=h password='a\'b\\c d@e/f' dbname=d",
    r"host=h password=a\ b\'c port=7",
    "  host = h   user=u  ",
    "host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2 target_session_attrs=read-write",
    "host=h password='' user=u",
    "host=h password=p@q/r?s#t:u%zz",
]


@pytest.mark.parametrize("dsn", DSNS)
def test_dsn_is_parsed_like_libpq(dsn: str) -> None:
    theirs = {option.keyword.decode(): option.val.decode() for option in pq.Conninfo.parse(dsn.encode()) if option.val}
    ours = parse(dsn, "postgres", None)
    for name in ("user", "password", "dbname", "options", "keepalives", "target_session_attrs", "sslmode"):
        assert ours.options.get(name) == theirs.get(name), name
    hosts = ",".join("" if place.host == place.address else place.host for place in ours.places)
    assert hosts == theirs.get("host", "")


# DSNs, and the parameter that the refusal must name.
UNSUPPORTED = {
    "postgresql://u:secret-word@h/d?service=pay-service": "'service'",
    "service=pay-service": "'service'",
    "host=h passfile=/pay/pass": "'passfile'",
    "host=h password=secret-word passfile=/pay/pass": "'passfile'",
    "host=h sslkeylogfile=/tmp/pay": "'sslkeylogfile'",
    "host=h krbsrvname=pay": "'krbsrvname'",
    "host=h gssencmode=require": "'gssencmode'",
    "host=h scram_client_key=cGF5": "'scram_client_key'",
    "host=h oauth_issuer=https://pay.test oauth_client_id=pay": "'oauth_issuer'",
    "host=h replication=database": "'replication'",
    "host=h target_session_attrs=prefer-standby": "'target_session_attrs'",
    "host=h sslcert=/pay.crt": "'sslcert'",
    "host=h sslcert=/pay.crt sslkey=engine:pay": "'sslkey'",
    "postgresql://u@h/d?schema=pay": "'schema'",
    "postgresql://u@h/d?sslaccept=strict": "'sslaccept'",
    "postgresql://u@h/d?pay_word=1": "'pay_word'",
    "host=h password=secret-word pay_word=1": "one of its parameters",
    "postgresql://h/d?password=secret-word&pay_word=1": "one of its parameters",
    "jdbc:postgresql://h/d?user=u": "JDBC",
    "postgresql+oddly://h/d": "driver in its scheme",
    "Host=h;Username=u;Password=secret-word;Database=pay": "';'",
    "Server=h;Port=5432;Pwd=secret-word": "';'",
}


@pytest.mark.parametrize("dsn", UNSUPPORTED)
def test_unsupported_parameter_is_named_without_its_value(dsn: str) -> None:
    with pytest.raises(NoReading) as caught:
        parse(dsn, "postgres", None)
    assert caught.value.kind == "dsn-unsupported", caught.value
    assert UNSUPPORTED[dsn] in caught.value.reason
    assert "not supported" in caught.value.reason
    for word in ("secret-word", "pay-service", "/pay", "pay.test", "cGF5"):
        assert word not in caught.value.reason
    if "one of" in UNSUPPORTED[dsn]:
        assert "pay_word" not in caught.value.reason


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql+asyncpg://u:p@h/d?ssl=require",
        "postgresql+psycopg2://u:p@h/d?sslmode=require",
        "postgres://u:p@h/d?schema=public&pgbouncer=true&connection_limit=1&pool_timeout=0&sslmode=require",
        "postgresql://u:p@h/d?sslmode=require&load_balance_hosts=random&gssencmode=prefer&sslcompression=0",
    ],
)
def test_dsns_of_applications_are_accepted(dsn: str) -> None:
    taken = parse(dsn, "postgres", None)
    assert (taken.places[0].host, taken.user, taken.password, taken.database) == ("h", "u", "p", "d")
    assert taken.options["sslmode"] == "require"
    assert not {"pgbouncer", "schema", "connection_limit", "ssl", "load_balance_hosts"} & set(taken.options)


def test_refusal_has_the_right_reason() -> None:
    for dsn in ("postgresql://u@h/d?pay=1", "mysql://u@h/d", "jdbc:postgresql://h/d", "postgresql://u:p@q@h/d", ""):
        with pytest.raises(NoReading) as caught:
            parse(dsn, "postgres", None)
        assert "neither a postgresql:// URL" not in caught.value.reason


MYSQL_UNSUPPORTED = {
    "mysql://u:p@h/d?unix_socket=/run/pay": "'unix_socket'",
    "mysql://u:p@h/d?ssl-cert=/pay": "'ssl-cert'",
    "mysql://u:p@h/d?useSSL=false": "'useSSL'",
    "mysql://u:p@h/d?read_default_file=~/.my.cnf": "'read_default_file'",
    "mysql://u:p@h/d?init_command=pay": "'init_command'",
    "mysql://u:p@h/d?serverTimezone=UTC": "mysql.time_zone",
    "jdbc:mysql://h/d": "JDBC",
}


@pytest.mark.parametrize("dsn", MYSQL_UNSUPPORTED)
def test_mysql_names_what_it_does_not_support(dsn: str) -> None:
    with pytest.raises(NoReading) as caught:
        parse_mysql(dsn, "mysql", None)
    assert caught.value.kind == "dsn-unsupported"
    assert MYSQL_UNSUPPORTED[dsn] in caught.value.reason
    assert "/pay" not in caught.value.reason


def test_mysql_dsns_of_applications_are_accepted() -> None:
    for scheme in ("mysql", "mariadb", "mysql2", "mysql+pymysql", "mysql+aiomysql", "mariadb+mariadbconnector"):
        taken = parse_mysql(f"{scheme}://u:p@h/d?charset=utf8mb4&connection_limit=5&ssl-mode=REQUIRED", "mysql", None)
        assert (taken.host, taken.user, taken.password, taken.database, taken.mode) == ("h", "u", "p", "d", "REQUIRED")


@pytest.mark.parametrize(
    "more", ["ssl-mode=DISABLED&sslmode=verify-full", "ssl-mode=perhaps", "ssl_mode=REQUIRED&tls=false"]
)
def test_mysql_refuses_two_modes(more: str) -> None:
    with pytest.raises(NoReading) as caught:
        parse_mysql(f"mysql://u:p@h/d?{more}", "mysql", None)
    assert caught.value.kind == "dsn-malformed"


def test_redis_urls() -> None:
    for url in ("valkey://h", "redis://h/3?socket_timeout=1&db=3", "rediss://u:p%40@h:7000/0"):
        assert Redis(url, timeout_s=1, resolver=None, ca_file=None).host == "h"
    for more, named in (("ssl_cert_reqs=none", "'ssl_cert_reqs'"), ("pay=1", "'pay'"), ("password=x&pay=1", "one of")):
        with pytest.raises(NoReading, match=named) as caught:
            Redis(f"rediss://h?{more}", timeout_s=1, resolver=None, ca_file=None)
        assert caught.value.kind == "dsn-unsupported"
