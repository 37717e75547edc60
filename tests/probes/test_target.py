"""The address that is requested, and the form in which it is shown."""

from __future__ import annotations

import base64

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.target import Target, redirect_target, same_origin


def target(base: str) -> Target:
    return Target(base, {}, "", "http")


@pytest.mark.parametrize(
    ("login", "pair"), [("ops:p%40ss", b"ops:p@ss"), ("ops", b"ops:"), (":p%40ss", b":p@ss"), (":", None), ("", None)]
)
def test_login_of_the_base_address_is_sent_and_not_shown(login: str, pair: bytes | None) -> None:
    seen = target(f"https://{login}@h.test/base/")
    url = seen.url("/x?y=1#z")
    assert url == "https://h.test/base/x?y=1"
    sent = seen.prepare("GET", url, {"X-Own": "1"}, None).headers
    reported = f"Basic {base64.b64encode(pair).decode()}" if pair else None
    assert (sent.get("Authorization"), sent["X-Own"]) == (reported, "1")
    assert "X-Own" not in seen.prepare("GET", url, None, None).headers


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "https://h.test/base"),
        ("x", "https://h.test/base/x"),
        ("/x", "https://h.test/base/x"),
        ("?q", "https://h.test/base?q"),
        ("HTTPS://u:p@h.test:443/x#y", "https://h.test:443/x"),
    ],
)
def test_paths_are_below_the_base_address(path: str, url: str) -> None:
    assert target("https://u:p@h.test/base/").url(path) == url


@pytest.mark.parametrize("base", ["http://h.test:0", "https://:443", "ws://h.test", "http://h.test:x"])
def test_invalid_base_address(base: str) -> None:
    with pytest.raises(NoReading) as caught:
        target(base).url("/")
    assert caught.value.kind == "bad-request"


def test_port_one_is_one() -> None:
    assert target("http://h.test:1").url("/") == "http://h.test:1/"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("http://h.test:80/x", "http://H.test/y", True),
        ("https://h.test/x", "https://h.test:443", True),
        ("https://h.test:444", "https://h.test", False),
        ("http://h.test", "https://h.test", False),
        ("http://h.test", "http://g.test", False),
        ("http://h.test:x", "http://h.test:x", False),
    ],
)
def test_origins(one: str, other: str, is_same: bool) -> None:
    assert same_origin(one, other) == is_same
    assert redirect_target(other, one) == (one if is_same else None)


@pytest.mark.parametrize(("name", "value"), [("X Y", "1"), ("X-Y", " 1"), ("X-Y", "1\n2"), ("", "1")])
def test_invalid_header_is_reported(name: str, value: str) -> None:
    with pytest.raises(NoReading, match="can't be sent"):
        target("http://h.test").prepare("GET", "http://h.test/", {name: value}, None)


def test_own_headers_replace_default_ones_case_insensitively() -> None:
    seen = Target("http://u:p@h.test", {"authorization": "Bearer t", "X-Both": "1"}, "r7", "http")
    sent = seen.prepare("GET", "http://h.test/", {"x-both": "2"}, None).headers
    assert [(name, value) for name, value in sent.items() if name.lower() in ("authorization", "x-both")] == [
        ("authorization", "Bearer t"),
        ("x-both", "2"),
    ]
    assert sent["X-Runbook-Checks-Run"] == "r7"
    assert {"accept", "accept-encoding", "user-agent", "authorization", "x-both"} <= seen.header_names()
