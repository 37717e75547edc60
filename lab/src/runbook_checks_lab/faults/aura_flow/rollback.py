"""Rollback triggers, and missing artifacts of the previous release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.files import PREVIOUS_TAG, REPOSITORY
from runbook_checks_lab.aura_flow.metrics import FOR_EVER_S
from runbook_checks_lab.faults.aura_flow import fault
from runbook_checks_lab.faults.aura_flow.slo import metrics_of
from runbook_checks_lab.servers.files import away
from runbook_checks_lab.servers.traffic import failing

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab


@fault("rollback.due", cause="health-failing")
def probes_fail_in_turn(lab: Lab) -> None:
    metrics_of(lab).downtimes = ((360.0, FOR_EVER_S),)


@fault("rollback.due", cause="error-rate")
def one_in_twelve_requests_fails(lab: Lab) -> None:
    metrics_of(lab).shares = failing(0.0825)


@fault("rollback.due", cause="latency")
def requests_take_seconds(lab: Lab) -> None:
    metrics_of(lab).mean_s = 1.0


@fault("rollback.due", cause="database-connections")
def connections_to_the_database_fail(lab: Lab) -> None:
    metrics_of(lab).failing_lately = 0.15


@fault("rollback.not-possible", cause="artefact-missing")
def previous_tag_cleaned_away(lab: Lab) -> None:
    lab.aura_flow.registry.behaviour.tags[REPOSITORY].remove(PREVIOUS_TAG)


@fault("rollback.not-possible", cause="configuration-missing")
def configuration_gone(lab: Lab) -> Iterator[None]:
    with away(lab.aura_flow.rollback.configuration):
        yield


@fault("rollback.not-possible", cause="script-missing")
def script_not_executable(lab: Lab) -> Iterator[None]:
    lab.aura_flow.rollback.script.chmod(0o644)
    yield
    lab.aura_flow.rollback.script.chmod(0o755)
