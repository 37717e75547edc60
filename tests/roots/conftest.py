"""One lab with all systems, for all that is about roots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.systems import SYSTEMS
from tests.harness import LabClient, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    """A lab with all systems; healthy between tests."""
    with started_lab(tmp_path_factory.mktemp("lab"), *SYSTEMS) as lab:
        yield lab
