"""A stage with a clock that only moves when it is set, and receivers on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("apprise", reason="the monitor's messages go through Apprise, which is not installed")
time_machine = pytest.importorskip("time_machine", reason="the monitor's clock is set with time-machine")

from tests.monitor.receivers import Receivers  # noqa: E402
from tests.monitor.stage import MIDNIGHT, Stage  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Receivers() as receivers, time_machine.travel(MIDNIGHT, tick=False) as clock:
        yield Stage(tmp_path, receivers, clock).set_up(monkeypatch)


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with Receivers() as made:
        yield made
