"""When a check can't look, does it say so? Clear would be a lie, and found a guess."""

from __future__ import annotations

import pytest

from tests.harness import LabClient
from tests.proof.test_faults import told

# What is taken away, and the checks that look through it. They must say unknown, and name the resource.
BLIND = {
    "postgres-monitor-revoked": ["database.connections-exhausted"],
    "postgres-activity-revoked": ["database.connections-exhausted"],
    "postgres-catalog-revoked": ["migration.missing", "migration.column-drift"],
    "postgres-functions-revoked": ["migration.permission-denied"],
    "postgres-messages-revoked": ["webhook.duplicate-processed"],
    "postgres-audit-revoked": ["webhook.chain-broken"],
    "log-file-missing": ["logs.errors"],
    "log-file-unreadable": ["logs.errors"],
    "log-empty": ["logs.errors"],
    "log-stale": ["logs.errors"],
    "log-not-utf8": ["logs.errors"],
    "backup-folder-missing": ["backup.stale"],
    "backup-folder-unreadable": ["backup.stale"],
    "dotenv-missing": [
        "preflight.variable-missing",
        "preflight.memory-fallback",
        "preflight.dsn-malformed",
        "preflight.example-credential",
        "preflight.wrong-mode",
        "preflight.address-in-use",
    ],
    "dotenv-unreadable": ["preflight.variable-missing", "preflight.address-in-use"],
    "rollback-folder-unreadable": ["rollback.not-possible"],
    "direct-refused": ["webhook.clock-drift"],
    "date-header-missing": ["webhook.clock-drift"],
    "version-not-told": ["health.wrong-version"],
    "version-field-missing": ["health.wrong-version"],
    "openapi-forbidden": ["contract.violated"],
    "dns-silent": ["webhook.tampered-accepted", "migration.missing", "domain.certificate-expired"],
    "ca-file-missing": ["webhook.unsigned-accepted", "domain.certificate-invalid"],
    "postgres-never-greets": ["migration.missing", "migration.permission-denied", "migration.column-drift"],
}


@pytest.mark.parametrize("what", BLIND)
def test_check_that_cannot_look_is_unknown(lab: LabClient, what: str) -> None:
    with lab.blind(what):
        ran = lab.check()
    for symptom in BLIND[what]:
        result = ran.results[symptom]
        assert result["outcome"] == "unknown", f"{symptom} is {result['outcome']}\n{told(ran)}"
        assert result["reason"], result
        assert result["resource"], result
        assert "the check itself failed" not in result["reason"], result
        assert not result["findings"]
    assert ran.code in (1, 10), told(ran)
    assert "Traceback" not in ran.output()


def test_every_way_to_take_a_source_away_is_tried(lab: LabClient) -> None:
    known = set(lab.ask("GET", "blind")["known"])
    # These leave something else to look with; what they do to the outcome is tested where it belongs.
    partial = {"postgres-tables-revoked", "postgres-schema-revoked", "intermediates-missing", "openapi-not-json"}
    assert known - partial == set(BLIND) - partial, "name the checks that must say unknown in BLIND"


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
    """The lab's state fills the variables in; another environment file asks for one that nobody sets."""
    text = lab.state.parent / "env.yaml"
    source = lab.state.parent / "lab-source.yaml"
    from tests.harness import PROJECT

    source.write_text((PROJECT / "environments" / "lab.yaml").read_text())
    text.write_text(source.read_text().replace(f"{{env: {variable}}}", "{env: NOBODY_SETS_THIS}"))
    ran = lab.check(env=str(text))
    result = ran.results[symptom]
    assert result["outcome"] == "unknown", told(ran)
    assert "NOBODY_SETS_THIS" in result["reason"]
    assert ran.outcomes("clear"), "the checks that don't need it run"
