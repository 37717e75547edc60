"""The address that is requested, and the form in which it is shown."""

from __future__ import annotations

import base64

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.http.target import redirect_target, same_origin


def sent(http: Http, own: dict[str, str] | None = None) -> dict[str, str]:
    return http.with_headers(own or {})


@pytest.mark.parametrize(
    ("login", "pair"), [("ops:p%40ss", b"ops:p@ss"), ("ops", b"ops:"), (":p%40ss", b":p@ss"), (":", None), ("", None)]
)
def test_login_of_the_base_address_is_sent_and_not_shown(login: str, pair: bytes | None) -> None:
    seen = Http(f"https://{login}@h.test/base/")
    url = seen.url("/x?y=1#z")
    assert url == "https://h.test/base/x?y=1"
    headers = sent(seen, {"X-Own": "1"})
    told = f"Basic {base64.b64encode(pair).decode()}" if pair else None
    assert (headers.get("Authorization"), headers["X-Own"]) == (told, "1")
    assert "X-Own" not in sent(seen)


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
    assert Http("https://u:p@h.test/base/").url(path) == url


@pytest.mark.parametrize("base", ["http://h.test:0", "https://:443", "ws://h.test", "http://h.test:x"])
def test_invalid_base_address(base: str) -> None:
    with pytest.raises(NoReading) as caught:
        Http(base).url("/")
    assert caught.value.kind == "bad-request"


def test_port_one_is_one() -> None:
    assert Http("http://h.test:1").url("/") == "http://h.test:1/"


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
    with pytest.raises(NoReading, match="invalid name or value"):
        sent(Http("http://h.test"), {name: value})


def test_own_headers_take_the_place_of_usual_ones_in_any_case() -> None:
    seen = Http("http://u:p@h.test", headers={"authorization": "Bearer t", "X-Both": "1"}, run_id="r7")
    headers = sent(seen, {"x-both": "2"})
    assert [(name, value) for name, value in headers.items() if name.lower() in ("authorization", "x-both")] == [
        ("authorization", "Bearer t"),
        ("x-both", "2"),
    ]
    assert headers["X-Runbook-Checks-Run"] == "r7"
    assert {"accept", "accept-encoding", "user-agent", "authorization", "x-both"} <= seen.header_names()
