"""A check that cannot read its source is unknown: neither clear nor found would be justified.

This runs the checks that must be unknown; `make matrix` runs all checks with each source removed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runbook_checks_lab.registry import Change, outages
from runbook_checks_lab.systems import SYSTEMS
from tests.harness import PROJECT, SYSTEM, LabClient, describe
from tests.listed import check_of

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = {"LAB_RESOLVER", "LAB_CA_FILE", "LAB_INTERMEDIATES_FILE"}
OUTAGES = {f"{outage.system}-{outage.name}": outage for outage in outages().values() if outage.hides}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_check_without_its_source_is_unknown(lab_of: Callable[[str], LabClient], outage: Change) -> None:
    lab = lab_of(outage.system)
    with lab.outage(outage.name):
        ran = lab.check(*(check_of(symptom, outage.system) for symptom in outage.hides))
    for symptom in outage.hides:
        result = ran.results[symptom]
        assert result["outcome"] == "unknown", f"{symptom} is {result['outcome']}\n{describe(ran)}"
        assert result["reason"], result
        assert result["resource"], result
        assert "the check itself failed" not in result["reason"], result
        assert not result["findings"]
    assert ran.code in (1, 10), describe(ran)
    assert "Traceback" not in ran.output()


@pytest.mark.parametrize("system", SYSTEMS)
def test_nothing_is_clear_without_resolvable_references(lab_of: Callable[[str], LabClient], system: str) -> None:
    """Made from the environment file itself, so that it covers every new check and key."""
    lab = lab_of(system)
    state = json.loads(lab.state.read_text())
    shared = {name: value for name, value in state["variables"].items() if name in SHARED}
    blank = lab.state.with_name("blank.json")
    blank.write_text(json.dumps(state | {"variables": shared}))
    ran = lab.check(variables={"CHECKS_LAB": str(blank)})
    wrong = {name: r for name, r in ran.results.items() if r["outcome"] not in ("unknown", "skipped")}
    assert not wrong, describe(ran)
    for name, result in ran.outcomes("unknown").items():
        assert "the check itself failed" not in result["reason"], name
        assert "LAB_" in result["reason"], f"{name} does not name the reference: {result['reason']}"
    assert ran.code == 10, describe(ran)


@pytest.mark.parametrize(
    ("variable", "symptom"),
    [
        ("LAB_CS_MONITOR_DSN", "database.unreachable"),
        ("LAB_CS_WEBHOOK_SECRET", "webhook.signature-rejected"),
        ("LAB_CS_URL", "health.unreachable"),
        ("LAB_CS_LOG_FILE", "logs.errors"),
        ("LAB_CS_BACKUP_FOLDER", "backup.stale"),
        ("LAB_CS_ARTEFACT", "rollback.not-possible"),
        ("LAB_CS_DOTENV", "preflight.variable-missing"),
        ("LAB_RESOLVER", "health.unreachable"),
        ("LAB_CS_VERSION", "health.wrong-version"),
    ],
)
def test_unresolved_reference_is_unknown_and_named(lab: LabClient, variable: str, symptom: str) -> None:
    """The lab sets the variables; this environment file refers to one that is not set."""
    text = lab.state.parent / "env.yaml"
    source = (PROJECT / "environments" / "lab.yaml").read_text()
    text.write_text(source.replace(f"{{env: {variable}}}", "{env: NOT_SET_ANYWHERE}"))
    other = "logs.errors" if symptom == "backup.stale" else "backup.stale"
    ran = lab.check(check_of(symptom, SYSTEM), check_of(other, SYSTEM), env=str(text))
    result = ran.results[symptom]
    assert result["outcome"] == "unknown", describe(ran)
    assert "NOT_SET_ANYWHERE" in result["reason"]
    assert ran.results[other]["outcome"] == "clear", "a check that does not need it runs"
