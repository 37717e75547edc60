"""Every fault is visible from outside, differs from every other fault, and is gone once undone."""

from __future__ import annotations

import pytest

from runbook_checks_lab import registry
from tests.harness import SYSTEM, LabClient
from tests.lab import snapshots
from tests.lab.snapshots import SNAPSHOT, Snapshot, differences, fail, snapshot_of

FAULTS = {change.name: change for change in registry.faults([SYSTEM]).values()}
OUTAGES = {change.name: change for change in registry.outages([SYSTEM]).values()}
SYMPTOMS = sorted({name.partition(":")[0] for name in FAULTS})
NOT_IN_THE_SNAPSHOT = {  # outages that remove a source which the snapshot does not use, or delay it
    "postgres-activity-revoked",
    "postgres-catalog-revoked",
    "postgres-functions-revoked",
    "postgres-never-greets",
    "rollback-folder-unreadable",
}


@pytest.fixture(scope="module")
def healthy(lab: LabClient) -> Snapshot:
    """Return a snapshot that was taken twice: on a busy machine a quick response may look slow once."""
    seen = [snapshot_of(lab)]
    while seen[-1] not in seen[:-1]:
        if len(seen) == 4:
            fail(
                f"four snapshots of the healthy lab differ: {differences(*seen[-2:])}; "
                f"exclude from {SNAPSHOT} what varies between snapshots"
            )
        seen.append(snapshot_of(lab))
    return seen[-1]


@pytest.fixture(scope="module")
def seen() -> dict[str, Snapshot]:
    return {}


def require_settled(lab: LabClient, healthy: Snapshot, what: str) -> None:
    """Take up to six snapshots, because on a busy machine a quick response may look slow."""
    for _ in range(6):
        if (after := snapshot_of(lab)) == healthy:
            return
    snapshots.require_gone(what, healthy, after)


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_every_cause_is_visible_and_is_undone(
    lab: LabClient, healthy: Snapshot, seen: dict[str, Snapshot], symptom: str
) -> None:
    for name in sorted(name for name in FAULTS if name.partition(":")[0] == symptom):
        with lab.fault(name):
            broken = snapshot_of(lab)
        snapshots.require_seen(FAULTS[name], healthy, broken)
        snapshots.require_different(FAULTS[name], healthy, broken, seen)
        seen[name] = broken
    require_settled(lab, healthy, f"the faults of {symptom}")


@pytest.mark.parametrize("name", sorted(OUTAGES))
def test_outage_is_undone(lab: LabClient, healthy: Snapshot, name: str) -> None:
    with lab.outage(name):
        if name not in NOT_IN_THE_SNAPSHOT:
            snapshots.require_seen(OUTAGES[name], healthy, snapshot_of(lab))
    require_settled(lab, healthy, f"{name} ({snapshots.place_of(OUTAGES[name])})")


def test_faults_are_undone_in_any_order(lab: LabClient, healthy: Snapshot) -> None:
    names = [
        "webhook.clock-drift:server-ahead",
        "webhook.signature-rejected:clock-skew",
        "migration.missing:partly-applied",
    ]
    for name in names:
        lab.ask("POST", "faults", {"fault": name})
    assert lab.ask("GET", "faults")["active"] == names
    for name in names:
        lab.ask("DELETE", "faults", {"fault": name})
        lab.ask("DELETE", "faults", {"fault": name})
    require_settled(lab, healthy, f"{', '.join(names)}, undone in that order")


def test_applying_twice_is_applying_once(lab: LabClient, healthy: Snapshot) -> None:
    name = "database.unreachable:database-missing"
    lab.ask("POST", "faults", {"fault": name})
    assert lab.ask("POST", "faults", {"fault": name})["active"] == [name]
    assert lab.ask("DELETE", "faults", {"fault": name})["active"] == []
    require_settled(lab, healthy, f"{name}, applied twice and undone once")


def test_unknown_fault_is_reported_in_one_sentence(lab: LabClient) -> None:
    with pytest.raises(AssertionError, match=r"there is no fault 'webhook.stale:accepted'; did you mean"):
        lab.ask("POST", "faults", {"fault": "webhook.stale:accepted"})
