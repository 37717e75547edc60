"""Requests of handles to a service, and their interpretation of the responses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.handles.metrics import classes
from runbook_checks.handles.receiver import Receiver
from runbook_checks.handles.service import Contract, Front, Service
from runbook_checks.handles.slack import SlashCommand
from runbook_checks.handles.web import FrontEnd
from runbook_checks.probes.core.deadline import Deadline, current
from runbook_checks.probes.core.reading import NoReading
from tests.hostile.services import always, answering, document
from tests.misbehaving.http import whole
from tests.misbehaving.server import FakeServer
from tests.misbehaving.tls import serving
from tests.probes import pki
from tests.probes.handles import handle

GIVEN = {"literal": "a-secret-of-the-test"}
REFUSALS = {"unsigned": "CS_1", "stale": "CS_2", "invalid": "CS_3", "prefix": "CS_"}


def http(server: FakeServer, **more: Any) -> dict[str, Any]:
    return {"base_url": server.url, **more}


# ------------------------------------------------------------------------- key functions
PLAIN = {"name": "plain", "path": "/plain"}
KNOWN = {"name": "known", "path": "/known", "authenticated": True}
ASKED = {"name": "asked", "path": "/asked", "method": "POST", "body": {"q": 1}}
BOTH = {"name": "both", "path": "/both", "method": "POST", "authenticated": True}


def test_key_function_is_called_as_configured_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-token-of-the-test")
    kept: list[bytes] = []
    with FakeServer(always(document({}), kept)) as server:
        given = http(server, key_functions=[PLAIN, KNOWN, ASKED, BOTH], token={"env": "SHOP_TOKEN"})
        with handle(Service, tmp_path, http=given) as service:
            assert service.key_paths() == ["/plain"]
            for function in service.settings.key_functions * 2:
                assert service.call(function).status == 200
            assert service.get("/plain").status == 200
    reported = [(seen.split(b" HTTP")[0].decode(), b"Bearer a-token-of-the-test" in seen) for seen in kept]
    assert reported == [("GET /plain", False), ("GET /known", True), ("POST /asked", False), ("POST /both", True)]
    assert [seen.partition(b"\r\n\r\n")[2] for seen in kept] == [b"", b"", b'{"q": 1}', b""]
    assert [b"application/json" in seen.partition(b"Content-Type:")[2] for seen in kept] == [False, False, True, False]


def test_key_function_that_needs_a_token_is_not_called_without_one(tmp_path: Path) -> None:
    with FakeServer(always(document({}))) as server, handle(Service, tmp_path, http=http(server)) as service:
        function = type("Function", (), KNOWN | {"method": "GET", "body": None})
        with pytest.raises(NoReading) as caught:
            service.call(function)  # type: ignore[arg-type]
    assert (caught.value.kind, server.visits) == ("no-source", 0)


def test_number_of_samples_depends_on_the_time(tmp_path: Path) -> None:
    def slow(_method: str, _path: str) -> bytes:
        time.sleep(0.4)
        return document({})

    with (
        FakeServer(answering(slow)) as server,
        handle(Service, tmp_path, http=http(server, samples=3)) as service,
    ):
        service.get("/")
        token = current.set(Deadline(1.3))
        try:
            assert len([*service.samples("/")]) == 2
        finally:
            current.reset(token)
        assert len([*service.samples("/")]) == 3
        assert server.visits == 6


# ------------------------------------------------------------- expectations of a service
WEBHOOK = {"path": "/hook", "refusals": REFUSALS, "secret": {"env": "HOOK"}, "max_skew_s": 200}


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({"http": {"max_skew_s": 60}, "webhook": WEBHOOK}, (60, 6)),
        ({"webhook": WEBHOOK}, (200, 20)),
        ({"webhook": WEBHOOK | {"clock_warn_s": 7}}, (200, 7)),
        ({}, None),
    ],
)
def test_limits_of_the_clock(tmp_path: Path, given: Any, limits: Any) -> None:
    settings = given | {"http": {"base_url": "http://127.0.0.1:1"} | given.get("http", {})}
    with handle(Service, tmp_path, **settings) as service:
        if limits:
            assert service.clock_limits == limits
            return
        with pytest.raises(NoReading) as caught:
            service.clock_limits  # noqa: B018
        assert caught.value.kind == "no-source"


def test_clock_is_read_without_the_proxy_if_possible(tmp_path: Path) -> None:
    health = {"live": "/live", "ready": "/ready", "path": "/health"}
    with FakeServer(always(document({}))) as proxy, FakeServer(always(document({}))) as own:
        with handle(Service, tmp_path, http=http(proxy, health=health)) as service:
            answer, is_own = service.own_clock()
            assert (answer.url, is_own) == (f"{proxy.url}/live", False)
            assert service.health_paths() == ["/live", "/ready", "/health"]
        given = http(proxy, direct_url=own.url, health={"path": "/health"})
        with handle(Service, tmp_path, http=given) as service:
            answer, is_own = service.own_clock()
            assert (answer.url, is_own) == (f"{own.url}/health", True)
            assert service.health_paths() == ["/health"]


def test_requested_version_has_priority(tmp_path: Path) -> None:
    given = {"base_url": "http://127.0.0.1:1", "expect_version": "1.4.0"}
    with handle(Service, tmp_path, http=given) as service:
        assert service.expected_version == "1.4.0"
        service.run.versions["shop"] = "1.5.0"
        assert service.expected_version == "1.5.0"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (
            {"tls": {"address": "tls.shop.test:8443"}, "http": {"base_url": "https://shop.test"}},
            ("tls.shop.test", 8443),
        ),
        ({"tls": {"address": "tls.shop.test"}}, ("tls.shop.test", 443)),
        ({"tls": {}, "http": {"base_url": "https://shop.test/api"}}, ("shop.test", 443)),
        ({"tls": {}, "http": {"base_url": "https://[::1]:8443"}}, ("::1", 8443)),
        ({"tls": {}, "http": {"base_url": "HTTP://shop.test"}}, None),
    ],
)
def test_address_of_the_certificate(tmp_path: Path, given: Any, address: Any) -> None:
    with handle(Front, tmp_path, **given) as front:
        assert front.address == address
        if address is None:
            assert front.handshake() is None


def test_without_any_address_there_is_no_certificate(tmp_path: Path) -> None:
    with handle(Front, tmp_path, tls={}) as front, pytest.raises(NoReading) as caught:
        front.address  # noqa: B018
    assert caught.value.kind == "no-source"


@pytest.mark.parametrize(
    ("document", "is_file"),
    [
        ("/openapi.json", False),
        ("http://shop.test/openapi.json", False),
        ("https://shop.test/openapi.json", False),
        ("openapi.json", True),
        ("FILE", True),
    ],
)
def test_where_the_contract_is(tmp_path: Path, document: str, is_file: bool) -> None:
    (tmp_path / "openapi.json").write_text("{}")
    document = document.replace("FILE", str(tmp_path / "openapi.json"))
    given: dict[str, Any] = {"http": {"base_url": "http://127.0.0.1:1"}, "openapi": {"document": document}}
    with handle(Contract, tmp_path, **given) as contract:
        assert contract.source == (tmp_path / "openapi.json" if is_file else document)


# ---------------------------------------------------------------------------- responses to deliveries
def said(code: Any, status: int) -> bytes:
    return document(code, status=f"{status} Said")


DELIVERIES = [
    # The response, and whether it is a refusal because of the signature, or after that check.
    (said({"code": "CS_9"}, 400), True, False),
    (said({"code": "CS_9"}, 499), True, False),
    (said({"code": "CS_9"}, 500), False, False),
    (said({"code": "CS_9"}, 200), False, True),
    (said({"code": "CS_9"}, 302), False, False),
    (said({"code": "XX_9"}, 404), False, False),
    (said({"code": 9}, 404), False, False),
    (said(["CS_9"], 404), False, False),
    (said("no JSON", 404), False, False),
    (said({}, 401), True, False),
    (said({}, 403), True, False),
    (said({}, 418), True, False),
    (said({}, 422), False, True),
    (said({"code": "CS_9"}, 422), True, False),
    (said({}, 400), False, False),
    (said({}, 204), False, True),
    (said({}, 299), False, True),
    (said({}, 300), False, False),
    (said(" <html>", 200), False, False),
]


def test_meaning_of_a_webhooks_response(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "a-secret-of-the-test")
    left = [answer for answer, *_ in DELIVERIES]
    given = WEBHOOK | {"refusals": REFUSALS | {"status": 418, "invalid_body_status": 422}}
    with (
        FakeServer(answering(lambda *_: left.pop(0))) as server,
        handle(Receiver, tmp_path, http=http(server), webhook=given) as receiver,
    ):
        for answer, is_refusal, is_past in DELIVERIES:
            got = receiver.deliver(b"{}")
            assert (receiver.is_refusal(got), receiver.is_past(got)) == (is_refusal, is_past), answer


def test_without_a_prefix_no_code_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "a-secret-of-the-test")
    given = WEBHOOK | {"refusals": REFUSALS | {"prefix": ""}}
    with (
        FakeServer(always(said({"code": "CS_9"}, 404))) as server,
        handle(Receiver, tmp_path, http=http(server), webhook=given) as receiver,
    ):
        assert not receiver.is_refusal(receiver.control())


def test_delivery_has_the_requested_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "a-secret-of-the-test")
    kept: list[bytes] = []
    with (
        FakeServer(always(document({}), kept)) as server,
        handle(Receiver, tmp_path, http=http(server), webhook=WEBHOOK) as receiver,
    ):
        receiver.deliver(b"{}", age_s=1000)
        receiver.control()
        receiver.control()
    at = [int(seen.partition(b"X-Timestamp: ")[2].split(b"\r")[0]) for seen in kept]
    assert [round((time.time() - moment) / 100) for moment in at] == [10, 0]


STEP = {"name": "review", "path": "/m/{id}/review", "body": {"ok": True}}
CHAIN = {"steps": [STEP], "audit_table": "audit", "audit_match": "message", "match_field": "id"}


@pytest.mark.parametrize("token", [None, "STEPS"])
def test_step_uses_the_known_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.setenv("STEPS", "a-token-of-the-test")
    kept: list[bytes] = []
    chain = CHAIN | ({"token": {"env": token}} if token else {})
    with (
        FakeServer(always(document({}), kept)) as server,
        handle(Receiver, tmp_path, http=http(server), webhook=WEBHOOK | {"chain": chain}) as receiver,
    ):
        [step] = receiver.settings.chain.steps  # type: ignore[union-attr]
        receiver.step(step, {"id": "a/b"})
        with pytest.raises(NoReading) as caught:
            receiver.step(step, {"other": 1})
    [seen] = kept
    assert seen.startswith(b"POST /m/a%2Fb/review ")
    assert (b"Bearer a-token-of-the-test" in seen) == (token is not None)
    assert caught.value.kind == "field-missing"


COMMANDS = [
    (said({}, 200), False, True),
    (said({}, 299), False, True),
    (said(" <html>", 200), False, False),
    (said({}, 300), False, False),
    (said({}, 302), False, False),
    (said({}, 400), False, True),
    (said({}, 401), True, False),
    (said({}, 403), True, False),
    (said({}, 404), False, False),
    (said({}, 422), False, True),
    (said({}, 500), False, False),
]


def test_meaning_of_a_slash_commands_response(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING", "a-secret-of-the-test")
    left = [answer for answer, *_ in COMMANDS]
    given = {"signing_secret": {"env": "SIGNING"}, "path": "/slack", "command": "/help"}
    with (
        FakeServer(answering(lambda *_: left.pop(0))) as server,
        handle(SlashCommand, tmp_path, http=http(server), slack=given) as command,
    ):
        for answer, is_refusal, is_past in COMMANDS:
            got = command.send(command.harmless, command.signed(command.harmless, age_s=5).headers())
            assert (command.is_refusal(got), command.is_past(got)) == (is_refusal, is_past), answer


# -------------------------------------------------------------------------------- a front end
def web(tmp_path: Path, server: FakeServer, **more: Any) -> Any:
    return handle(FrontEnd, tmp_path, effects="write", http=http(server), web=more)


UPLOAD = {"path": "/files", "clean_up": "/files/{id}"}


@pytest.mark.parametrize(
    ("status", "stays"), [(200, False), (204, False), (299, False), (300, True), (404, False), (403, True), (500, True)]
)
def test_upload_that_is_not_removed_is_reported(tmp_path: Path, status: int, stays: bool) -> None:
    kept: list[bytes] = []

    def answer(method: str, _path: str) -> bytes:
        return document({"id": "a/1"}, status="201 Made") if method == "POST" else document({}, status=f"{status} So")

    with FakeServer(answering(answer, kept)) as server, web(tmp_path, server, upload=UPLOAD) as front:
        uploaded = front.send_file(10, "a-token-of-the-test").json()
        assert len(front.context.leftovers.left()) == 1
        front.clean_up(uploaded, "a-token-of-the-test", 10)
        assert len(front.context.leftovers.left()) == stays
    assert [seen.split(b" HTTP")[0] for seen in kept] == [b"POST /files", b"DELETE /files/a%2F1"]
    assert all(b"Bearer a-token-of-the-test" in seen for seen in kept)


@pytest.mark.parametrize(("status", "stays"), [(399, True), (400, False), (413, False), (499, False), (500, True)])
def test_a_refused_upload_leaves_nothing(tmp_path: Path, status: int, stays: bool) -> None:
    kept: list[bytes] = []
    with (
        FakeServer(always(document({}, status=f"{status} So"), kept)) as server,
        web(tmp_path, server, upload=UPLOAD) as front,
    ):
        front.send_file(10, None)
        assert len(front.context.leftovers.left()) == stays
        front.clean_up({}, None, 10)
        front.clean_up(["id"], None, 10)
        assert len(front.context.leftovers.left()) == stays
    [seen] = kept
    assert b"Bearer" not in seen


def test_upload_without_an_address_remains(tmp_path: Path) -> None:
    with (
        FakeServer(always(document({"id": 1}))) as server,
        web(tmp_path, server, upload={"path": "/files"}) as front,
    ):
        front.clean_up(front.send_file(10, None).json(), None, 10)
        assert (len(front.context.leftovers.left()), server.visits) == (1, 1)


@pytest.mark.parametrize(
    ("origin", "own", "others"),
    [
        ("https://Shop.test:443/x", "https://shop.test", {"http://shop.test", "https://evil-shop.test"}),
        (
            "https://u@shop.test:8443",
            "https://shop.test:8443",
            {"http://shop.test:8443", "https://evil-shop.test:8443"},
        ),
        (
            "http://shop.test:80",
            "http://shop.test",
            {"http://evil-shop.test", "http://shop.test.runbook-checks.invalid"},
        ),
        ("http://shop.test:443", "http://shop.test:443", {"http://evil-shop.test:443"}),
    ],
)
def test_foreign_origins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, own: str, others: set[str]
) -> None:
    monkeypatch.setenv("SHOP_ORIGIN", origin)
    given = {"cors": {"path": "/api", "origin": {"env": "SHOP_ORIGIN"}}}
    with handle(FrontEnd, tmp_path, http={"base_url": "http://127.0.0.1:1"}, web=given) as front:
        assert front.origin == own
        foreign = set(front.foreign_origins().values())
        assert others | {"null", "https://runbook-checks.invalid"} <= foreign
        assert own not in foreign


def test_missing_settings_are_not_guessed(tmp_path: Path) -> None:
    with handle(FrontEnd, tmp_path, http={"base_url": "http://Shop.test:80"}, web={}) as front:
        for ask in (lambda: front.origin, lambda: front.upload):
            with pytest.raises(NoReading) as caught:
                ask()
            assert caught.value.kind == "no-source"
        assert front.plain() is None
        assert front.direct_health("/") is None
    with handle(FrontEnd, tmp_path, http={"base_url": "http://Shop.test:80"}, web={"cors": {"path": "/"}}) as front:
        assert front.origin == "http://shop.test"


def test_plain_http_and_the_direct_address_are_requested_if_configured(tmp_path: Path) -> None:
    with (
        FakeServer(always(document({}))) as proxy,
        FakeServer(always(whole(b"", "Location: https://a.test/", status="301 Moved"))) as plain,
    ):
        given = http(proxy, direct_url=plain.url)
        with handle(FrontEnd, tmp_path, http=given, web={"plain_url": plain.url}) as front:
            answer, direct = front.plain(), front.direct_health("/health")
    assert answer is not None
    assert (answer.status, answer.url) == (301, f"{plain.url}/")
    assert direct is not None
    assert direct.url == f"{plain.url}/health"


def test_preflight_is_sent_once_and_a_call_has_the_origin(tmp_path: Path) -> None:
    kept: list[bytes] = []
    with (
        FakeServer(always(document({}, "Access-Control-Allow-Origin: https://a.test"), kept)) as server,
        web(tmp_path, server, cors={"path": "/api"}) as front,
    ):
        assert front.preflight("https://a.test", "PUT")[1].origin == "https://a.test"
        front.preflight("https://a.test", "PUT")
        assert front.called_from("https://b.test")[1].says_anything
    assert [seen.split(b" HTTP")[0] for seen in kept] == [b"OPTIONS /api", b"GET /api"]
    assert b"Access-Control-Request-Method: PUT" in kept[0]
    assert b"Origin: https://b.test" in kept[1]


def test_browser_is_not_sent_to_an_unreachable_address(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("")
    both = {"certificate": "key.pem", "key": "key.pem"}
    for more in ({"proxy": "http://127.0.0.1:1"}, {"client_certificate": both}):
        given: dict[str, Any] = {"http": {"base_url": "http://127.0.0.1:1"}, "web": {}, **more}
        with handle(FrontEnd, tmp_path, **given) as front, pytest.raises(NoReading) as caught:
            front.visit(1)
        assert caught.value.kind == "not-supported"


def test_browser_trusts_a_key_certified_by_the_configured_authority(tmp_path: Path) -> None:
    authority = pki.make("Test CA", is_ca=True)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    good = pki.make("127.0.0.1", authority, names=("127.0.0.1",)).write(tmp_path, name="good")
    other = pki.make("shop.test", authority, names=("shop.test",)).write(tmp_path, name="other")
    stranger = pki.make("127.0.0.1", names=("127.0.0.1",)).write(tmp_path, name="stranger")
    counted = []
    for pair in (good, other, stranger):
        with FakeServer(serving(*pair)) as server:
            url = f"https://127.0.0.1:{server.port}"
            with handle(FrontEnd, tmp_path, ca_file="ca.pem", http={"base_url": url}, web={}) as front:
                counted.append((len(front._pins(url)), len(front._pins(server.url))))
            with handle(FrontEnd, tmp_path, http={"base_url": url}, web={}) as front:
                assert front._pins(url) == ()
    assert counted == [(1, 0), (0, 0), (0, 0)]


def test_file_of_a_page_may_have_a_quarter_of_the_total(tmp_path: Path) -> None:
    page = b'<!doctype html><script src="/a.js"></script><link rel="stylesheet" href="/b.css">'
    files = {"/a.js": b"x" * 240, "/b.css": b" " * 260}
    with FakeServer(answering(lambda _, path: whole(files[path], "Connection: close"))) as other:
        files["/"] = page + b'<script src="%s/a.js"></script><script src="%s/b.css"></script>' % (
            (other.url.encode(),) * 2
        )
        with FakeServer(answering(lambda _, path: whole(files[path], "Connection: close"))) as server:
            limits = {"most_bytes": 1000, "other_origins": [f"{other.url}/"]}
            with web(tmp_path, server, assets=limits) as front:
                found = front.look()
                assert front.look() is found
    assert {asset.url for asset in found.assets} == {f"{server.url}/a.js", f"{other.url}/a.js"}
    reported = {(url, gone.kind) for url, gone in found.unseen.items()}
    assert reported == {(f"{of.url}/b.css", "body-too-large") for of in (server, other)}


# --------------------------------------------------------------------------------- metrics
def test_counts_are_grouped_by_class_of_status() -> None:
    known = {"100": "1xx", "204": "2xx", "3xx": "3xx", "499": "4xx", "599": "5xx"}
    others = ("600", "099", "20", "2000", "2x0", "2xxx", "abc", "", "xx2", "2yy")
    assert [*classes(dict.fromkeys([*known, *others], 1.0))] == [
        *((kind, 1.0) for kind in known.values()),
        *(("other", 1.0) for _ in others),
    ]
