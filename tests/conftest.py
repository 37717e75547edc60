"""The lab that the suite's own tests share: one for each test process, healthy between tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import LabClient, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    with started_lab(tmp_path_factory.mktemp("lab")) as client:
        yield client
