"""Independent faults are reported as separate root causes, however related they look."""

from __future__ import annotations

import random

import pytest

from runbook_checks_lab.systems import SYSTEMS
from tests.harness import LabClient
from tests.roots.documents import causes_of, roots_of

CS, AURA, REVERSE, SALES = "ai-customer-service", "aura-flow", "reverseai", "sales-ai"
# Each looks like a consequence of the other, but its evidence says otherwise.
NEAR = (
    (
        ("database.unreachable:authentication-failed", "logs.errors:new-error", CS),
        ("health.degraded:component-down", "slo.error-rate:over-objective", AURA),
        ("execution.failing:llm-provider", "logs.errors:new-error", REVERSE),
        ("queue.failing:file-download-failed", "logs.errors:new-error", SALES),
    ),
    (
        ("webhook.clock-drift:server-ahead", "webhook.tampered-accepted:accepted", CS),
        ("capacity.disk:nearly-full", "backup.corrupt:truncated", AURA),
        ("health.key-function:wrong-status", "contract.violated:document-missing", REVERSE),
        ("queue.consumer-missing:settings-differ", "slack.forgery-accepted:stale-accepted", SALES),
    ),
    (
        ("preflight.variable-missing:unset", "preflight.address-in-use:held-by-other-process", CS),
        ("health.metrics-unreadable:not-found", "auth.role-not-enforced:accepted", AURA),
        ("provision.orphaned:user-without-record", "abuse.policy-open:no-limits", REVERSE),
        ("dependency.provider-incident:degraded", "queue.backlog:paused", SALES),
    ),
)
# All items in this list are independent of each other.
ALONE = {
    CS: (
        "backup.stale:none",
        "logs.errors:new-error",
        "domain.certificate-expiring:renewal-due",
        "rollback.not-possible:script-missing",
        "webhook.stale-accepted:accepted",
        "preflight.wrong-mode:development-mode",
        "migration.permission-denied:no-create-privilege",
        "health.wrong-version:old-version-running",
        "contract.violated:document-missing",
    ),
    AURA: (
        "capacity.cpu:saturated",
        "dependency.redis:out-of-memory",
        "backup.drill-overdue:overdue",
        "auth.role-not-enforced:accepted",
        "web.cors-open:null-origin",
        "migration.unfinished:behind",
        "logs.slow-requests:slow-endpoint",
        "health.wrong-version:old-version-running",
        "contract.violated:document-missing",
    ),
    REVERSE: (
        "abuse.list-malformed:bad-digest",
        "provision.quota-exceeded:over-quota",
        "execution.empty-result:no-node-ran",
        "sop.missing:severity-differs",
        "backup.stale:too-old",
        "logs.errors:error-surge",
        "slo.latency:over-objective",
        "contract.violated:document-missing",
    ),
    SALES: (
        "dependency.object-storage:object-missing",
        "slack.token-invalid:token-revoked",
        "queue.consumer-missing:settings-differ",
        "rollback.not-possible:configuration-missing",
        "preflight.wrong-mode:development-mode",
        "domain.certificate-expiring:renewal-due",
        "database.retention-overdue:archive-not-running",
        "health.wrong-version:instances-differ",
        "contract.violated:document-missing",
    ),
}
SEEDS, AT_ONCE = (6, 61), 3


def chosen(seed: int) -> list[str]:
    """Return some faults of each system, in different areas."""
    choice = random.Random(seed)  # noqa: S311  not a secret
    return [f"{fault}@{system}" for system in SYSTEMS for fault in choice.sample(_known(system), AT_ONCE)]


def _known(system: str) -> list[str]:
    from runbook_checks_lab.registry import faults

    return [fault for fault in ALONE[system] if f"{fault}@{system}" in faults([system])]


def roots_with_causes(lab: LabClient, faults: list[str]) -> tuple[set[str], str]:
    areas = sorted({fault.partition(".")[0] for fault in faults})
    with lab.fault(*faults):
        ran = lab.check("-m", " or ".join(areas))
    causes = causes_of(ran.document)
    bare = {root.partition("#")[0] for root in roots_of(ran.document)}
    return {f"{root.partition('[')[0]}:{causes.get(root)}@{root.partition('[')[2][:-1]}" for root in bare}, ran.stdout


@pytest.mark.parametrize("group", NEAR, ids=lambda group: group[0][0].partition(":")[0])
def test_independent_faults_in_related_areas(everything: LabClient, group: tuple[tuple[str, str, str], ...]) -> None:
    faults = [f"{fault}@{system}" for *both, system in group for fault in both]
    reported, said = roots_with_causes(everything, faults)
    assert reported == set(faults), said


@pytest.mark.parametrize("seed", SEEDS)
def test_three_faults_in_each_system_are_twelve_roots(everything: LabClient, seed: int) -> None:
    faults = chosen(seed)
    reported, said = roots_with_causes(everything, faults)
    assert reported == set(faults), said
