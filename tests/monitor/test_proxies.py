"""Heartbeat and Pushgateway use the proxy that the environment names, and no other."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.monitor.services import Services
from tests.monitor.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Services]:
    folder = tmp_path / "proxy"
    folder.mkdir()
    with Services(folder) as services:
        yield services


def watched(stage: Stage, monkeypatch: pytest.MonkeyPatch, **more: object) -> None:
    monkeypatch.setenv("STAGE_PING", f"http://127.0.0.1:{stage.receivers.port}/ping")
    stage.environment["monitoring"] |= {"heartbeat": {"env": "STAGE_PING"}, **more}
    stage.write()


def test_proxy_variables_are_ignored(stage: Stage, proxy: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    watched(stage, monkeypatch, push=f"http://127.0.0.1:{stage.receivers.port}")
    assert stage.go(0, []) == 0
    assert len(stage.receivers.pings) == 1
    assert len(stage.receivers.pushed) == 1
    assert proxy.got == []


def test_configured_proxy_is_used_despite_no_proxy(
    stage: Stage, proxy: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("STAGE_PROXY", f"http://user:pass%40word@127.0.0.1:{proxy.port}")
    watched(stage, monkeypatch, push="http://push.invalid", proxy={"env": "STAGE_PROXY"})
    monkeypatch.setenv("STAGE_PING", "http://ping.invalid/moved")
    proxy.redirects["http://ping.invalid/moved"] = "http://ping.invalid/here"
    assert stage.go(0, []) == 0
    assert [path for _, path, _ in proxy.got] == [
        "http://push.invalid/metrics/job/runbook_checks/environment/stage",
        "http://ping.invalid/moved",
        "http://ping.invalid/here",
    ]
    assert proxy.logins == {"Basic dXNlcjpwYXNzQHdvcmQ="}


def test_login_of_an_address_goes_through_the_proxy_to_any_host(
    stage: Stage, proxy: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_PUSH", "http://pusher:word@push.invalid")
    watched(stage, monkeypatch, push={"env": "STAGE_PUSH"}, proxy=f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("STAGE_PING", "http://token@ping.invalid/here")
    assert stage.go(0, []) == 0
    assert proxy.asked_as == ["Basic cHVzaGVyOndvcmQ=", "Basic dG9rZW46"]


def test_proxy_that_can_t_be_resolved_is_not_gone_around(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(stage, monkeypatch, proxy={"env": "STAGE_NO_PROXY_HERE"})
    assert stage.go(0, []) == 1
    assert stage.receivers.pings == []


@pytest.mark.parametrize(
    "answer",
    [
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n\r\n",
        b"HTTP/1.1 503 \x1b[2J::error::no\r\n\r\n",
        b"",
    ],
    ids=["no HTTP", "to FTP", "to a file", "refused", "nothing"],
)
def test_invalid_response_is_an_error_and_not_a_crash(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: bytes
) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    watched(stage, monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.setenv("STAGE_PING", f"http://127.0.0.1:{listener.getsockname()[1]}/ping-with-a-secret-0123456789")
        assert stage.go(0, []) == 1
    said = capsys.readouterr().err
    assert "the heartbeat could not be sent" in said
    assert "ping-with-a-secret" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ping", "http://[::1/x", "http://127.0.0.1:port/x"])
def test_invalid_address_is_an_error_and_never_quoted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    watched(stage, monkeypatch)
    monkeypatch.setenv("STAGE_PING", f"{address}-hunter2-hunter2")
    assert stage.go(0, []) == 1
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize("is_through_proxy", [False, True])
def test_credentials_in_an_address_are_sent_and_netrc_is_ignored(
    stage: Stage,
    proxy: Services,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_through_proxy: bool,
) -> None:
    """A redirect to another host gets neither."""
    here = f"127.0.0.1:{proxy.port}"
    monkeypatch.setenv("STAGE_PUSH", f"http://pusher:pa%3As%40word@{here}")
    through = {"proxy": f"http://{here}"} if is_through_proxy else {}
    watched(stage, monkeypatch, push={"env": "STAGE_PUSH"}, **through)
    monkeypatch.setenv("STAGE_PING", f"http://token-of-the-ping@{here}/moved")
    before = f"http://{here}" if is_through_proxy else ""
    proxy.redirects[f"{before}/moved"] = f"http://{here}/here"
    assert stage.go(0, []) == 0, capsys.readouterr()
    paths = ("/metrics/job/runbook_checks/environment/stage", "/moved", "/here")
    assert [path for _, path, _ in proxy.got] == [before + path for path in paths]
    assert {host for host, _, _ in proxy.got} == {here}
    assert proxy.asked_as == ["Basic cHVzaGVyOnBhOnNAd29yZA==", "Basic dG9rZW4tb2YtdGhlLXBpbmc6", None]
