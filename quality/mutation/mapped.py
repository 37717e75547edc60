"""A pytest plugin (`-p quality.mutation.mapped`) that records the lines each test runs, and its duration.

The records are written to the file named by the variable MUTATION_MAP.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from quality.mutation.traced import traced

if TYPE_CHECKING:
    from collections.abc import Generator

_seen: dict[str, dict[str, Any]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    lines: dict[str, set[int]] = {}
    begun = time.monotonic()
    with traced(lines):
        result = yield
    _seen[item.nodeid] = {
        "seconds": round(time.monotonic() - begun, 3),
        "lines": {file: sorted(some) for file, some in list(lines.items())},
    }
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if not report.passed:
        _seen.setdefault(report.nodeid, {})["failed"] = True


def pytest_sessionfinish() -> None:
    Path(os.environ["MUTATION_MAP"]).write_text(json.dumps(_seen))
