"""Missing artifacts of the previous release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.ai_customer_service import fault
from runbook_checks_lab.servers.files import away

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("rollback.not-possible", cause="artefact-missing")
def artefact_gone(lab: Lab) -> Iterator[None]:
    with away(lab.customer_service.rollback.artefact):
        yield


@fault("rollback.not-possible", cause="configuration-missing")
def configuration_gone(lab: Lab) -> Iterator[None]:
    with away(lab.customer_service.rollback.configuration):
        yield


@fault("rollback.not-possible", cause="script-missing")
def script_not_executable(lab: Lab) -> Iterator[None]:
    script = lab.customer_service.rollback.script
    script.chmod(0o644)
    yield
    script.chmod(0o755)
