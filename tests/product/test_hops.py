"""A reading is asked for and answered through few modules of ours, so that a reader can follow it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import runbook_checks
import tests.misbehaving.http  # noqa: F401 - it fills the registry
from runbook_checks.handles.service import Service
from tests.misbehaving.server import REGISTRY, FakeServer
from tests.probes.handles import handle

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = Path(runbook_checks.__file__).parent
MOST = 9


def entered(work: Callable[[], object]) -> set[str]:
    """The modules of ours in which a function is called meanwhile, in this thread."""
    found: set[str] = set()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and OURS in Path(frame.f_code.co_filename).parents:
            found.add(Path(frame.f_code.co_filename).relative_to(OURS).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_get_enters_few_modules(tmp_path: Path, host: str) -> None:
    """References and the base address are read once for a run, by the first reading; what follows is each GET's own."""
    with FakeServer(REGISTRY["http.healthy"]) as server:
        http = {"base_url": f"http://{host}:{server.port}"}
        with handle(Service, tmp_path, http=http) as service:
            service.get("/first")
            kept = entered(lambda: service.get("/second"))
            new = entered(lambda: service.get("/third", fresh=True))
    assert {"handles/service.py", "probes/http/client.py", "probes/http/transport.py"} <= kept
    assert {"probes/net/resolve.py", "probes/net/connect.py"} <= new, "a new connection is made down to the socket"
    for modules in (kept, new):
        assert len(modules) <= MOST, f"merge or leave out some of these: {sorted(modules)}"
