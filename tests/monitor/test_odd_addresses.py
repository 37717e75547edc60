"""The monitor neither connects to nor shows an ambiguous address: a webhook, a heartbeat, a push."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.misbehaving.server import FakeServer, Visit
from tests.monitor.stage import Trouble

if TYPE_CHECKING:
    import pytest

    from tests.monitor.stage import Stage

DOWN = [Trouble("health.unreachable", 0, 60)]


def listen(visit: Visit) -> None:
    visit.stay_silent(0.2)


def test_odd_addresses(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeServer(listen) as server:
        # The user could be read as a host, and the start of the password as its port.
        odd = f"127.0.0.1:{server.port}/wvxkjq-zyjhbq@127.0.0.1:{server.port}/hook"
        for name, scheme in (("PAGER", "json"), ("PING", "http"), ("PUSH", "http")):
            monkeypatch.setenv(f"STAGE_{name}", f"{scheme}://{odd}")
        stage.environment["monitoring"]["heartbeat"] = {"env": "STAGE_PING"}
        stage.write()
        stage.go(0, [])
        stage.environment["monitoring"]["push"] = {"env": "STAGE_PUSH"}
        stage.write()
        for minute in (1, 2):
            stage.go(minute, DOWN)
        assert server.visits == 0
    said = capsys.readouterr()
    assert "pager did not accept message" in said.err
    for what in ("heartbeat", "Pushgateway"):
        assert what in said.out + said.err
    assert said.err.count("%40") >= 2
    files = [path for path in stage.state.rglob("*") if path.is_file()]
    kept = said.out + said.err + "".join(path.read_bytes().decode("utf-8", "replace") for path in files)
    for piece in ("wvxk", "xkjq", "zyjh", "jhbq", str(server.port)):
        assert piece not in kept, piece
