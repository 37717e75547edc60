"""A check declares its handles in the annotations of its parameters; there is no other registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.product.test_engine import only, run_checks

if TYPE_CHECKING:
    from pathlib import Path

OWN = '''
@symptom("backup.stale")
def check_own({parameters}) -> None:
    """Why."""
    {body}
'''
KIND = "raise Found('none', seen=f'{type(here).__name__} of {here}', wanted='x')"


def seen(folder: Path, head: str, parameters: str, body: str = KIND) -> str:
    """Return what a check with these parameters found, or why it is unknown."""
    result = only(run_checks(folder, head + OWN.format(parameters=parameters, body=body)))
    findings = result["findings"]
    assert isinstance(findings, list)
    return str(findings[0]["seen"] if findings else result["reason"])


def test_annotation_determines_the_handle_not_the_parameter_name(tmp_path: Path) -> None:
    assert seen(tmp_path, "", "here: Backups") == "Backups of ai-customer-service"


def test_annotation_may_be_a_string(tmp_path: Path) -> None:
    head = "import runbook_checks.handles.backups\n"
    assert seen(tmp_path, head, "here: 'runbook_checks.handles.backups.Backups'") == "Backups of ai-customer-service"


def test_check_gets_the_handle_that_the_system_has(tmp_path: Path) -> None:
    head = "from runbook_checks.handles.service import Service\n"
    assert seen(tmp_path, head, "here: Service | Backups") == "Backups of ai-customer-service"


def test_handle_defined_in_the_module(tmp_path: Path) -> None:
    head = "from runbook_checks.handles import Handle\nclass Dumps(Handle):\n    needs = ('backups',)\n"
    body = "raise Found('none', seen=here.settings.pattern, wanted='x')"
    assert seen(tmp_path, head, "here: Dumps", body) == "ai_cs_backup_*.sql"


def test_handle_and_fixture_together(tmp_path: Path) -> None:
    head = "import pytest\n@pytest.fixture\ndef number() -> int: return 42\n"
    body = "raise Found('none', seen=f'{number} {here}', wanted='x')"
    assert seen(tmp_path, head, "number: int, here: Backups", body) == "42 ai-customer-service"


def test_class_that_is_imported_for_types_only_is_reported(tmp_path: Path) -> None:
    head = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from runbook_checks.handles.log import Log\n"
    assert "its parameter here is not a fixture" in seen(tmp_path, head, "here: 'Log'")


def test_check_without_a_handle_is_not_collected(tmp_path: Path) -> None:
    head = "from runbook_checks.handles.service import Service\n"
    ran = run_checks(tmp_path, head + OWN.format(parameters="here: Service", body="pass"))
    assert (ran.code, ran.document["results"]) == (5, [])
