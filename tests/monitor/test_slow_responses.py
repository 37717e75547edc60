"""A far end that responds a byte at a time delays only itself."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import runbook_checks.monitor.limits
from runbook_checks.monitor.outbox import waiting
from tests.harness import PROJECT, SYSTEM
from tests.monitor.stage import Stage, Trouble, document

if TYPE_CHECKING:
    from collections.abc import Iterator

DOWN = [Trouble("health.unreachable", 0, 400)]
TITLE = f"[stage] P0 health.unreachable[{SYSTEM}] (some-cause)"
Drip = tuple[bytes, bytes, bytes]
EVERY_S, DRIPS = 0.2, 25  # five seconds until the response is complete


@contextmanager
def dripping(drop: bytes, head: bytes, tail: bytes, drips: int = DRIPS) -> Iterator[int]:
    """A port whose responses take some seconds in total; no single read waits for long."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(head)
                for _ in range(drips):
                    time.sleep(EVERY_S)
                    connection.sendall(drop)
                connection.sendall(tail)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


BODY = (b"x", f"HTTP/1.1 200 OK\r\nContent-Length: {DRIPS}\r\n\r\n".encode(), b"")
HEADER = (b"X-More: x\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize("answer", [BODY, HEADER], ids=["body", "header"])
def test_channel_that_drips_counts_as_down(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Drip,
) -> None:
    """The chat is first in order, and the pager still gets its message."""
    monkeypatch.setattr(runbook_checks.monitor.limits, "WHOLE_S", 1.0)
    with dripping(*answer) as port:
        monkeypatch.setenv("STAGE_CHAT", f"json://127.0.0.1:{port}/chat-with-a-secret-0123")
        stage.go(0, DOWN)
        assert stage.go(1, DOWN) == 1
        assert stage.receivers.titles("pager") == [TITLE]
        said = capsys.readouterr().err
        assert "chat did not accept message 1" in said
        assert "timed out after 1 s" in said
        assert "chat-with-a-secret" not in said
        stage.receivers.refusals = {"pager:database": 400}
        stage.go(2, [*DOWN, Trouble("database.unreachable", 2, 9)])
        stage.go(3, [*DOWN, Trouble("database.unreachable", 2, 9)])
    finals = stage.store().rows("SELECT channel, finals FROM waiting WHERE message = 2 ORDER BY channel")
    assert [tuple(row) for row in finals] == [("chat", 0), ("pager", 1)], "each response belongs to its own message"
    monkeypatch.setenv("STAGE_CHAT", stage.receivers.address("chat"))
    stage.go(20, DOWN)
    assert stage.receivers.titles("chat")[0] == TITLE


def test_process_ends_while_a_channel_still_drips(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.environment["monitoring"]["severities"]["P0"] |= {"after": 1, "of": 1}
    stage.write()
    results = stage.folder / "results.json"
    results.write_text(json.dumps(document(DOWN)))
    code = (
        "import runpy, runbook_checks.monitor.limits as limits; limits.WHOLE_S = 1.0; "
        "runpy.run_module('runbook_checks.monitor', run_name='__main__')"
    )
    words = [sys.executable, "-c", code, str(stage.path), *stage.arguments, "--document", str(results)]
    with dripping(b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", b"", drips=300) as port:
        monkeypatch.setenv("STAGE_CHAT", f"json://127.0.0.1:{port}/chat")
        child = subprocess.run(words, cwd=PROJECT, check=False, capture_output=True, text=True, timeout=30)
    assert child.returncode == 1, child.stderr
    assert "timed out after 1 s" in child.stderr
    assert stage.receivers.titles("pager") == [TITLE]


def test_ping_and_push_that_drip_time_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runbook_checks.monitor.limits, "WHOLE_S", 1.0)
    with dripping(*HEADER) as port:
        address = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("STAGE_PING", address)
        stage.environment["monitoring"] |= {"push": address}
        stage.write()
        assert stage.go(0, DOWN) == 1
        assert "the metrics could not be pushed: timed out after 1 s" in capsys.readouterr().err
        stage.environment["monitoring"] |= {"heartbeat": {"env": "STAGE_PING"}}
        stage.environment["monitoring"].pop("push")
        stage.write()
        assert stage.go(1, DOWN) == 1
        assert "the heartbeat could not be sent: timed out after 1 s" in capsys.readouterr().err
    assert stage.receivers.titles("pager") == [TITLE]
    assert waiting(stage.store()) == 0
