"""Handles for a login, for workspaces from an API, and for the host."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook_checks.handles.accounts import Accounts
from runbook_checks.handles.host import NextInstance, OwnHost, WayBack
from runbook_checks.handles.workspaces import Workspaces
from runbook_checks.probes.core.reading import NoReading
from tests.hostile.services import Answerer, always, answering, document
from tests.misbehaving.server import FakeServer
from tests.probes.handles import handle


def refusal(ask: Callable[[], Any]) -> NoReading:
    with pytest.raises(NoReading) as caught:
        ask()
    return caught.value


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "a-password-of-the-test")
    monkeypatch.setenv("TOKEN", "a-token-of-the-test")
    monkeypatch.setenv("EMPTY", "")


# ------------------------------------------------------------------------------------- a login
USER: dict[str, Any] = {"user": "checks@shop.test", "password": {"env": "PASSWORD"}}


def accounts(tmp_path: Path, server: FakeServer, effects: str = "write", **more: Any) -> Any:
    given = {"login": "/login", "protected": "/me", "token_field": "data.token", **more}
    return handle(Accounts, tmp_path, effects=effects, http={"base_url": server.url}, auth=given)


LOGINS: list[tuple[int, Any, str | None]] = [
    (200, {"data": {"token": "abcdefgh"}}, "abcdefgh"),
    (299, {"data": {"token": "abcdefgh"}}, "abcdefgh"),
    (300, {"data": {"token": "abcdefgh"}}, None),
    (401, {"data": {"token": "abcdefgh"}}, None),
    (200, {"data": {"token": ""}}, None),
    (200, {"data": {"token": 7}}, None),
    (200, {"token": "abcdefgh"}, None),
    (401, "<html>", None),
]


def test_token_comes_from_a_successful_login(tmp_path: Path) -> None:
    for status, said, token in LOGINS:
        kept: list[bytes] = []
        with (
            FakeServer(always(document(said, status=f"{status} So"), kept)) as server,
            accounts(tmp_path, server, **USER) as one,
        ):
            login = one.login()
            assert (login.status, login.token, one.login()) == (status, token, login)
            if token:
                assert one.user_token() == token
            else:
                assert refusal(one.user_token).kind == "login-refused"
        [seen] = kept
        wanted = {"email": "checks@shop.test", "password": "a-password-of-the-test"}
        assert json.loads(seen.partition(b"\r\n\r\n")[2]) == wanted
        assert time.time() - login.at < 60


def test_login_that_returns_a_page_is_no_reading(tmp_path: Path) -> None:
    with (
        FakeServer(always(document("<html>secret</html>"))) as server,
        accounts(tmp_path, server, **USER) as one,
    ):
        gone = refusal(one.login)
    assert (gone.kind, "secret" in gone.reason) == ("not-json", False)


def test_configured_token_has_priority_over_a_login(tmp_path: Path) -> None:
    with FakeServer(always(document({"data": {"token": "abcdefgh"}}))) as server:
        with accounts(tmp_path, server, token={"env": "TOKEN"}, **USER) as one:
            assert one.user_token() == "a-token-of-the-test"
        with accounts(tmp_path, server, "refused", **USER) as one:
            assert refusal(one.user_token).kind == "no-source"
        with accounts(tmp_path, server) as one:
            assert refusal(one.login).kind == "no-source"
        assert server.visits == 0


@pytest.mark.parametrize(("status", "opens"), [(200, True), (299, True), (300, False), (403, False)])
def test_refusals_prove_nothing_if_the_genuine_token_is_refused(tmp_path: Path, status: int, opens: bool) -> None:
    kept: list[bytes] = []
    with (
        FakeServer(always(document({}, status=f"{status} So"), kept)) as server,
        accounts(tmp_path, server, token={"env": "TOKEN"}) as one,
    ):
        for _ in range(2):
            if opens:
                assert one.control() == "a-token-of-the-test"
            else:
                assert refusal(one.control).kind == "control-refused"
        one.open(None)
    assert [seen.split(b" HTTP")[0] for seen in kept] == [b"GET /me", b"GET /me"]
    assert [b"Bearer a-token-of-the-test" in seen for seen in kept] == [True, False]


def test_configured_public_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"PEM")
    with FakeServer(always(b"")) as server:
        with accounts(tmp_path, server) as one:
            assert (one.public_key(), one.secret("secret")) == (None, None)
        with accounts(tmp_path, server, public_key="key.pem", secret={"env": "PASSWORD"}) as one:
            assert (one.public_key(), one.secret("secret")) == (b"PEM", "a-password-of-the-test")
        with accounts(tmp_path, server, public_key="none.pem") as one:
            assert refusal(one.public_key).kind == "unreadable"


# ----------------------------------------------------------------------------------- workspaces
def workspaces(tmp_path: Path, server: FakeServer, **more: Any) -> Any:
    http = {"base_url": f"{server.url}/", "token": {"env": "TOKEN"}} | more.pop("http", {})
    return handle(Workspaces, tmp_path, http=http, workspaces=more)


def serving(documents: dict[str, Any]) -> Answerer:
    return lambda _, path: document(documents[path]) if path in documents else document({}, status="404 No")


def test_each_workspace_is_requested_with_the_token(tmp_path: Path) -> None:
    kept: list[bytes] = []
    quotas = {
        "/api/v1/billing/workspaces/a%2Fb/quota": {"db_storage_gb": {"used": 1, "limit": 10}},
        "/api/v1/billing/workspaces/c/quota": {"db_storage_gb": {"used": 0.5, "limit": 1}},
    }
    with (
        FakeServer(answering(serving(quotas), kept)) as server,
        workspaces(tmp_path, server, ids=["a/b", "c"]) as one,
    ):
        assert one.quotas() == [("a/b", 1.0, 10.0), ("c", 0.5, 1.0)]
        assert one.quotas() == [("a/b", 1.0, 10.0), ("c", 0.5, 1.0)]
        assert one.databases([]) == []
        assert one.near_percent == 90.0
        assert one.url == server.url
    assert Counter(seen.split(b" ")[1].decode() for seen in kept) == dict.fromkeys(quotas, 1)
    assert all(b"Bearer a-token-of-the-test" in seen for seen in kept)


def test_number_of_workspaces_is_limited(tmp_path: Path) -> None:
    with FakeServer(always(b"")) as server:
        with workspaces(tmp_path, server, ids=["a", "b"], most=2) as one:
            assert one.ids() == ["a", "b"]
        with workspaces(tmp_path, server, ids=["a", "b", "c"], most=2) as one:
            assert refusal(one.ids).kind == "too-many"
        with workspaces(tmp_path, server) as one:
            assert refusal(one.ids).kind == "no-source"
        with workspaces(tmp_path, server, ids=["a"], http={"token": {"env": "EMPTY"}}) as one:
            assert refusal(one.quotas).kind in ("no-source", "unresolved-reference")
        assert server.visits == 0


@pytest.mark.parametrize(
    ("quota", "kind"),
    [
        ({"db_storage_gb": {"used": 1, "limit": 0}}, "malformed-answer"),
        ({"db_storage_gb": {"used": True, "limit": 9}}, "malformed-answer"),
        ({"db_storage_gb": {"used": "1", "limit": 9}}, "malformed-answer"),
        ({"db_storage_gb": {"used": 1}}, "malformed-answer"),
        ({"db_storage_gb": 7}, "malformed-answer"),
        ({}, "malformed-answer"),
        ([], "malformed-answer"),
    ],
)
def test_invalid_quota_is_no_reading(tmp_path: Path, quota: Any, kind: str) -> None:
    with FakeServer(always(document(quota))) as server, workspaces(tmp_path, server, ids=["a"]) as one:
        assert refusal(one.quotas).kind == kind


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_reasons_for_an_unreadable_workspace(tmp_path: Path, status: int) -> None:
    with (
        FakeServer(always(document({}, status=f"{status} No"))) as server,
        workspaces(tmp_path, server, ids=["a"]) as one,
    ):
        gone = refusal(one.policies)
    assert (gone.kind, gone.evidence) == (f"http-{status}", {"status": status})
    assert ("http.token" in gone.reason) == (status in (401, 403))


def test_policies_are_objects_or_text_of_objects(tmp_path: Path) -> None:
    with FakeServer(always(b"")) as server, workspaces(tmp_path, server) as one:
        for limits in ({"allow": ["a"], "deny": None}, '{"allow": ["a"], "deny": []}'):
            policy = {"policy": "open", "rate_limit_json": limits}
            assert one.policy(policy, "w") == "open"
            assert (one.entries(policy, "allow", "w"), one.entries(policy, "deny", "w")) == (["a"], [])
            assert one.entries(policy, "other", "w") == []
        limits_of_none: tuple[Any, ...] = (7, [], None, {"allow": "a"})
        for wrong in limits_of_none:
            assert refusal(lambda: one.entries({"rate_limit_json": wrong}, "allow", "w")).kind == "malformed-answer"  # noqa: B023
        assert one.rules({"rate_limit_json": "junk"}, "w") == {}
        assert refusal(lambda: one.policy({}, "w")).kind == "malformed-answer"


def test_last_backup_has_an_id(tmp_path: Path) -> None:
    with FakeServer(always(b"")) as server, workspaces(tmp_path, server) as one:
        whole = {"id": "b1", "created_at": "x"}
        backups: tuple[Any, ...] = (whole, {"id": 7}, None, {}, {"id": " "}, {"id": None}, {"created_at": "x"})
        found = [one.backup({"last_backup": backup}, "w") for backup in backups]
        assert found == [whole, {"id": 7}, None, None, None, None, None]
        no_backups: tuple[dict[str, Any], ...] = ({"last_backup": "b1"}, {"last_backup": []}, {})
        for wrong in no_backups:
            assert refusal(lambda: one.backup(wrong, "w")).kind == "malformed-answer"  # noqa: B023
        assert one.state({"status": "ready"}, "w") == "ready"


def test_procedures_are_listed_by_key(tmp_path: Path) -> None:
    listed: list[tuple[Any, Any]] = [
        ([{"key": "a", "severity": "P1"}, {"key": "b"}], {"a": "P1", "b": None}),
        ([], {}),
        ([{"key": 7}], None),
        ([{}], None),
        (["a"], None),
        ({"a": "P1"}, None),
        (None, None),
    ]
    for sops, found in listed:
        with FakeServer(always(document({"sops": sops}))) as server, workspaces(tmp_path, server) as one:
            if found is None:
                assert refusal(one.listed_sops).kind == "malformed-answer"
            else:
                assert one.listed_sops() == found


# -------------------------------------------------------------------------------------- the host
def test_variables_come_from_the_configured_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_ADDR", "process")
    (tmp_path / "shop.env").write_text("SHOP_ADDR=file\n")
    sources: list[tuple[dict[str, Any], str, str]] = [
        ({"process": True}, "process", "the process environment"),
        ({"file": "shop.env"}, "file", str(tmp_path / "shop.env")),
        ({"command": ["echo", "SHOP_ADDR=command"]}, "command", "echo"),
    ]
    for source, value, name in sources:
        with handle(NextInstance, tmp_path, variables={**source, "secret": ["SHOP_ADDR"]}) as one:
            assert (one.read()["SHOP_ADDR"], one.source) == (value, name)
            assert one.read() is one.read()
            assert one.run.redaction.text(f"x {value} x") != f"x {value} x" or len(value) < 6
    with handle(NextInstance, tmp_path, variables={}) as one:
        assert refusal(one.read).kind == "no-source"


PLACES: list[tuple[str, Any]] = [
    ("127.0.0.1:8080", ("127.0.0.1", 8080)),
    ("[::1]:1", ("::1", 1)),
    (":65535", ("", 65535)),
    ("shop.test:65536", None),
    ("shop.test:0", None),
    ("shop.test:x", None),
    ("shop.test:-1", None),
    ("shop.test", None),
    ("shop.test:123456", None),
]


def test_address_of_the_next_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address, place in PLACES:
        monkeypatch.setenv("SHOP_ADDR", address)
        with handle(OwnHost, tmp_path, host={"here": True, "address": {"env": "SHOP_ADDR"}}) as one:
            if place is None:
                assert refusal(lambda: one.place).kind == "malformed-address"
            else:
                assert one.place == place


def test_address_comes_from_the_variables_by_default(tmp_path: Path) -> None:
    (tmp_path / "shop.env").write_text("SHOP_ADDR=' 10.0.0.1:80 '\nEMPTY=\n")
    file: dict[str, Any] = {"file": "shop.env"}
    cases: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
        ({}, {"variables": file | {"address": "SHOP_ADDR"}}, "10.0.0.1:80"),
        ({"default_address": ":81"}, {"variables": file | {"address": "EMPTY"}}, ":81"),
        ({"default_address": ":81"}, {"variables": file | {"address": "NONE"}}, ":81"),
        ({}, {"variables": file | {"address": "NONE"}}, None),
        ({"default_address": ":81"}, {"variables": file}, None),
        ({"default_address": ":81"}, {}, None),
    ]
    for host, more, address in cases:
        with handle(OwnHost, tmp_path, host={"here": True, **host}, **more) as one:
            if address is None:
                assert refusal(lambda: one.address).kind == "no-source"
            else:
                assert one.address == address


def test_rollback_needs_what_is_configured(tmp_path: Path) -> None:
    with handle(WayBack, tmp_path, rollback={"artefact": "a.tgz", "script": "/s.sh"}) as one:
        assert one.needed() == {"artefact": tmp_path / "a.tgz", "script": Path("/s.sh")}
        assert one.image is None
    image = {"repository": "shop/api", "tag": "1.4"}
    with handle(WayBack, tmp_path, rollback={"image": image}) as one:
        assert one.image is None
    unknown = document({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status="404 No")
    with (
        FakeServer(always(unknown)) as server,
        handle(WayBack, tmp_path, rollback={"image": image | {"registry": server.url}}) as one,
    ):
        assert (one.image, one.digest()) == ("shop/api:1.4", None)
