"""Facts of an HTTP reading from a correct far end."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading, Reading, journal
from runbook_checks.probes.http.client import Answer, Http, NotJson, Timings
from tests.misbehaving.server import REGISTRY, FakeServer
from tests.probes.conftest import Misbehaving, taking

SECRET = "s3cret-token-never-shown"


def test_response_has_content_and_timings(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.healthy")
    before = time.time()
    answer = Http(server.url).get("/actuator/health", fresh=True)
    assert (answer.method, answer.url) == ("GET", f"{server.url}/actuator/health")
    assert (answer.status, answer.json(), answer.attempts) == (200, {"status": "UP"}, 1)
    assert answer.headers["content-type"] == answer.headers["Content-Type"] == "application/json"
    assert answer.peer == f"127.0.0.1:{server.port}"
    assert before <= answer.sent_at <= answer.received_at <= time.time()
    times = answer.timings
    assert times.dns_ms is not None
    assert times.connect_ms is not None
    assert times.tls_ms is None
    assert times.dns_ms + times.connect_ms + times.first_byte_ms <= times.total_ms < 500


def test_reading_is_shared_unless_fresh(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.echo")
    http = Http(server.url)
    assert http.get("/a") is http.get("/a")
    assert http.get("/a", fresh=True) is not http.get("/a")


def test_reused_connection_is_not_measured(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.healthy")
    http = Http(server.url)
    first, second = http.get("/a"), http.get("/b")
    assert server.visits == 1
    assert first.timings.connect_ms is not None
    assert (second.timings.dns_ms, second.timings.connect_ms) == (None, None)
    assert second.peer == first.peer
    http.get("/a", fresh=True)
    assert server.visits == 2
    http.close()
    http.get("/c")
    assert server.visits == 3


@pytest.mark.parametrize("name", ["http.closes-kept", "http.resets-second-request"])
def test_connection_that_broke_while_idle_is_replaced(misbehaving: Misbehaving, name: str) -> None:
    http = Http(misbehaving(name).url)
    http.get("/a")
    time.sleep(0.05)
    assert http.get("/b").attempts == 1


def test_every_request_names_the_suite_and_accepts_identity_encoding(misbehaving: Misbehaving) -> None:
    http = Http(misbehaving("http.echo").url, run_id="r42", headers={"X-Team": "ops", "user-agent": "me"})
    seen = http.get("/").text
    assert "\r\nUser-Agent: runbook-checks/" in seen
    assert " run=r42\r\n" in seen
    assert "\r\nX-Runbook-Checks-Run: r42\r\n" in seen
    assert "\r\nAccept-Encoding: identity\r\n" in seen
    assert "\r\nX-Team: ops\r\n" in seen
    assert "user-agent: me" not in seen


def test_host_that_is_given_takes_the_place_of_the_usual_one(misbehaving: Misbehaving) -> None:
    seen = Http(misbehaving("http.echo").url, headers={"host": "shop.test"}).get("/").text
    assert "host: shop.test\r\n" in seen.lower()
    assert seen.lower().count("\r\nhost:") == 1


def answered(body: bytes, content_type: str = "application/json") -> Answer:
    times = Timings(0, 0, None, 0, 0)
    return Answer("GET", "http://x/", 200, {"content-type": content_type}, body, times, "x:80", 1, 0, 0)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b" [1, 2.5] ", [1, 2.5]),
        (b'\xef\xbb\xbf{"a":"b"}', {"a": "b"}),
        ('{"a":"中"}'.encode(), {"a": "中"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    ],
)
def test_json_is_read(body: bytes, value: object) -> None:
    assert answered(body).json() == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'"UP"',
        b"1",
        b'{"a":NaN}',
        b"[Infinity]",
        b'{"a":1}x',
        b'{"a":"\\ud800"}',
        b"[" * 100_000,
        b"[" + b"1" * 5000 + b"]",
        '{"a":"ä"}'.encode("latin-1"),
        '{"a":1}'.encode("utf-32"),
        b"<html>",
        b"\x00\x01",
    ],
)
def test_invalid_json_is_reported_in_one_line(body: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        answered(body).json()
    assert caught.value.kind == "not-json"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("text/html; charset=utf-8", "ä"),
        ("text/html", "ä"),
        ('text/html; charset="latin-1"', "Ã¤"),
        ("text/html; charset=no-such", "ä"),
        ("text/html; charset=idna", "ä"),
        ("text/html; charset=base64", "ä"),
    ],
)
def test_text_by_its_charset(content_type: str, text: str) -> None:
    assert answered("ä".encode(), content_type).text == text


def test_sent_body_arrives_unchanged(misbehaving: Misbehaving) -> None:
    http = Http(misbehaving("http.echo").url, headers={"X-Both": "general"})
    answer = http.send("POST", "/hook?x=%20y", headers={"x-both": "own"}, body=b'{"a":1}')
    head, _, body = answer.text.partition("\r\n\r\n")
    assert head.startswith("POST /hook?x=%20y HTTP/1.1")
    assert body == '{"a":1}'
    assert "x-both: own" in head
    assert "general" not in head
    assert "Content-Length: 7" in head


def test_the_base_address_may_have_a_path_and_a_login(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.echo")
    http = Http(f"http://ops:p%40ss@127.0.0.1:{server.port}/base/")
    answer = http.get("health")
    assert answer.url == f"{server.url}/base/health"
    assert f"Authorization: Basic {base64.b64encode(b'ops:p@ss').decode()}" in answer.text
    assert http.get(f"{server.url}/other").url == f"{server.url}/other"


@pytest.mark.parametrize("base", ["", "ftp://host", "http://", "http://[::1", "localhost:8080", "http://h:99999"])
def test_invalid_base_address_is_no_reading(base: str) -> None:
    with pytest.raises(NoReading, match="not an http:// or https:// address"):
        Http(base).get("/")


def test_other_origins_are_not_requested(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.healthy")
    with pytest.raises(NoReading, match="not of the origin"):
        Http(server.url).get("http://127.0.0.1:1/secret")
    assert server.visits == 0


@pytest.mark.parametrize("value", [SECRET + "\n", " " + SECRET, "密" + SECRET, SECRET + "\x00"])
def test_invalid_header_is_named_without_its_value(misbehaving: Misbehaving, value: str) -> None:
    with pytest.raises(NoReading, match="Authorization") as caught:
        Http(misbehaving("http.healthy").url, headers={"Authorization": value}).get("/")
    assert SECRET not in str(caught.value) + str(caught.value.evidence)


def test_redirects_are_followed_within_the_origin(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.redirects-once")
    answer = Http(server.url).get("/here")
    assert (answer.status, answer.url) == (200, f"{server.url}/there")
    assert answer.redirects == (f"{server.url}/here",)


@pytest.mark.parametrize(
    "to", ["http://127.0.0.2:{port}/", "https://127.0.0.1:{port}/", "//evil.test/", "http://[x/", "ftp://127.0.0.1/"]
)
def test_redirect_to_another_origin_is_the_response(misbehaving: Misbehaving, to: str) -> None:
    server, other = misbehaving("http.redirects-elsewhere"), misbehaving("http.echo")
    http = Http(server.url, headers={"Authorization": SECRET})
    answer = http.get("/?to=" + to.format(port=other.port))
    assert (answer.status, answer.text) == (302, "over there")
    assert other.visits == 0


def test_redirect_without_a_target_is_the_response(misbehaving: Misbehaving) -> None:
    assert Http(misbehaving("http.redirects-to-itself").url).get("/").status == 301


def test_post_is_not_redirected(misbehaving: Misbehaving) -> None:
    assert Http(misbehaving("http.redirects-once").url).send("POST", "/here").status == 307


def test_no_content_and_head(misbehaving: Misbehaving) -> None:
    assert Http(misbehaving("http.no-content").url).get("/").body == b""
    answer = Http(misbehaving("http.healthy").url).send("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")


def test_journal_has_the_reading_of_every_consumer(misbehaving: Misbehaving, entries: list[Reading]) -> None:
    http = Http(misbehaving("http.healthy").url, headers={"Authorization": SECRET})
    http.get("/a")
    http.get("/a")
    [one, two] = entries
    assert one.title == two.title == f"GET {http.get('/a').url}"
    assert one.facts["status"] == 200
    assert one.facts["headers"] == {"content-length": "15", "content-type": "application/json"}
    assert SECRET not in repr(entries)


def test_journal_has_the_reason_for_no_reading(misbehaving: Misbehaving, entries: list[Reading]) -> None:
    with pytest.raises(NoReading):
        Http(misbehaving("http.garbage").url).get("/")
    assert entries[0].facts["kind"] == "malformed-answer"


def test_proxy_and_netrc_of_the_user_are_ignored(
    misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write(f"machine 127.0.0.1 login me password {SECRET}\n")
    monkeypatch.setenv("NETRC", netrc)
    assert "Authorization" not in Http(misbehaving("http.echo").url).get("/").text


def test_configured_proxy_is_used(misbehaving: Misbehaving) -> None:
    proxy = misbehaving("http.echo")
    answer = Http("http://service.test/base", proxy=f"http://me:{SECRET}@127.0.0.1:{proxy.port}").get("/x")
    assert answer.text.startswith("GET http://service.test/base/x HTTP/1.1")
    assert "Proxy-Authorization: Basic" in answer.text


@pytest.mark.parametrize("name", ["http.closes-at-once", "http.silent", "http.garbage", "http.proxy-refuses"])
def test_broken_proxy_is_not_a_fault_of_the_service(misbehaving: Misbehaving, name: str) -> None:
    proxy = f"http://me:{SECRET}@127.0.0.1:{misbehaving(name).port}"
    with pytest.raises(NoReading) as caught:
        Http("https://service.test", proxy=proxy, timeout_s=0.5).get("/")
    assert caught.value.kind == "proxy-failed"
    assert SECRET not in str(caught.value)


def test_refusal_of_a_proxy_is_reported(misbehaving: Misbehaving) -> None:
    with pytest.raises(NoReading, match="Tunnel connection failed: 407"):
        Http("https://service.test", proxy=misbehaving("http.proxy-refuses").url).get("/")


@pytest.mark.parametrize("bad", ["http://me:pw@127.0.0.1:99999", "nonsense://x", "http://[::1", "socks5://h:1"])
def test_invalid_proxy_is_no_reading(bad: str) -> None:
    with pytest.raises(NoReading, match="proxy's address") as caught:
        Http("http://service.test", proxy=bad).get("/")
    assert caught.value.kind == "bad-request"


def test_an_address_of_the_other_family() -> None:
    try:
        with FakeServer(REGISTRY["http.healthy"], "::1") as server:
            answer = Http(f"http://[::1]:{server.port}").get("/")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    assert answer.peer == f"[::1]:{server.port}"


def test_refusing_proxy_port_is_not_a_fault_of_the_service() -> None:
    with pytest.raises(NoReading) as caught:
        Http("http://service.test", proxy="http://127.0.0.1:1", timeout_s=0.5).get("/")
    assert caught.value.kind == "proxy-failed"


def test_deadline_of_the_check_ends_a_reading_early(misbehaving: Misbehaving) -> None:
    http = Http(misbehaving("http.silent").url, timeout_s=30)
    token = current.set(Deadline(0.3))
    try:
        with taking(1.0), pytest.raises(NoReading) as caught:
            http.get("/")
    finally:
        current.reset(token)
    assert caught.value.kind == "read-timeout"


@pytest.mark.parametrize("name", ["http.silent", "http.drips-body", "http.drips-headers"])
def test_cancelling_a_check_ends_its_reading_at_once(misbehaving: Misbehaving, name: str) -> None:
    import runbook_checks.probes.http.transport  # noqa: F401 - what it imports takes no time of the reading

    http = Http(misbehaving(name).url, timeout_s=30)
    deadline = Deadline(30)
    token = current.set(deadline)
    threading.Timer(1.0, deadline.expire).start()
    try:
        with taking(1.5), pytest.raises(NoReading) as caught:
            http.get("/")
    finally:
        current.reset(token)
    assert caught.value.kind == "read-timeout"


def test_thirty_threads_make_one_reading_of_one_address(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.echo")
    http = Http(server.url)

    def look(_: int) -> tuple[Answer, int]:
        kept: list[Reading] = []
        journal.set(kept)
        return http.get("/same"), len(kept)

    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(look, range(30)))
    assert len({id(answer) for answer, _ in found}) == 1
    assert {entered for _, entered in found} == {1}
    assert server.visits == 1


def test_thirty_threads_share_one_http(misbehaving: Misbehaving) -> None:
    server = misbehaving("http.echo")
    http = Http(server.url)
    with ThreadPoolExecutor(30) as pool:
        texts = list(pool.map(lambda n: http.get(f"/{n}", fresh=n % 3 == 0).text, range(300)))
    assert [t.split(" ")[1] for t in texts] == [f"/{n}" for n in range(300)]
