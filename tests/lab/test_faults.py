"""Does every fault show from outside, differently from every other, and is it gone once undone?"""

from __future__ import annotations

import json

import pytest

from runbook_checks_lab import registry
from tests.harness import SYSTEM, LabClient
from tests.lab.outside import Outside

FAULTS = sorted({change.name for change in registry.faults([SYSTEM]).values()})
OUTAGES = sorted({change.name for change in registry.outages([SYSTEM]).values()})
NOT_LOOKED_AT = {  # what takes away a way of looking that isn't used here, or makes it wait
    "postgres-activity-revoked",
    "postgres-catalog-revoked",
    "postgres-functions-revoked",
    "postgres-never-greets",
    "rollback-folder-unreadable",
}


@pytest.fixture(scope="module")
def healthy(lab: LabClient) -> str:
    """Twice the same; on a busy machine one look may take a quick answer for a slow one."""
    looks = [_look(lab)]
    while looks[-1] not in looks[:-1]:
        assert len(looks) < 4, "a healthy lab looks the same twice"
        looks.append(_look(lab))
    return looks[-1]


@pytest.fixture(scope="module")
def looks() -> dict[str, str]:
    return {}


def _look(lab: LabClient) -> str:
    return json.dumps(Outside(lab.variables).look(), indent=1, sort_keys=True, default=str)


def _settled(lab: LabClient, healthy: str) -> str:
    """How it looks once undone; on a busy machine a quick answer may pass for a slow one, so three looks count."""
    seen = ""
    for _ in range(3):
        seen = _look(lab)
        if seen == healthy:
            break
    return seen


@pytest.mark.parametrize("symptom", sorted({name.partition(":")[0] for name in FAULTS}))
def test_every_cause_shows_and_goes(lab: LabClient, healthy: str, looks: dict[str, str], symptom: str) -> None:
    for name in (name for name in FAULTS if name.partition(":")[0] == symptom):
        with lab.fault(name):
            broken = _look(lab)
        assert broken != healthy, f"{name} changes nothing that can be seen"
        same = [other for other, look in looks.items() if look == broken]
        assert not same, f"{name} looks like {same}"
        looks[name] = broken
    assert _settled(lab, healthy) == healthy


@pytest.mark.parametrize("name", OUTAGES)
def test_outage_goes(lab: LabClient, healthy: str, name: str) -> None:
    with lab.outage(name):
        assert name in NOT_LOOKED_AT or _look(lab) != healthy
    assert _settled(lab, healthy) == healthy


def test_faults_are_undone_in_any_order(lab: LabClient, healthy: str) -> None:
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
    assert _settled(lab, healthy) == healthy


def test_applying_twice_is_applying_once(lab: LabClient, healthy: str) -> None:
    name = "database.unreachable:database-missing"
    lab.ask("POST", "faults", {"fault": name})
    assert lab.ask("POST", "faults", {"fault": name})["active"] == [name]
    assert lab.ask("DELETE", "faults", {"fault": name})["active"] == []
    assert _settled(lab, healthy) == healthy


def test_unknown_fault_is_one_sentence(lab: LabClient) -> None:
    with pytest.raises(AssertionError, match=r"there is no fault 'webhook.stale:accepted'; did you mean"):
        lab.ask("POST", "faults", {"fault": "webhook.stale:accepted"})
