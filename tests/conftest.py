"""Labs that the project's own tests share: one for each test process and system, healthy between tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from runbook_checks_lab.systems import SYSTEMS
from tests.harness import SYSTEM, LabClient, started_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def lab_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LabClient]]:
    """Return a lab with one system, by name; started on first use."""
    labs: dict[str, LabClient] = {}
    with ExitStack() as stack:

        def lab(system: str) -> LabClient:
            if system not in labs:
                labs[system] = stack.enter_context(started_lab(tmp_path_factory.mktemp("lab"), system))
            return labs[system]

        yield lab


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    """A lab with all systems, for tests about all of them."""
    with started_lab(tmp_path_factory.mktemp("everything"), *SYSTEMS) as lab:
        yield lab


@pytest.fixture(scope="session")
def lab(lab_of: Callable[[str], LabClient]) -> LabClient:
    """The lab with AI Customer Service, which most tests use."""
    return lab_of(SYSTEM)
