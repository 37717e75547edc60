"""CONTRIBUTING's example works: its pieces are added to a copy, and tests name each missing piece."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import Block, blocks
from tests.docs.test_grants import ROLES
from tests.harness import PROJECT, SYSTEM, LabClient, Ran, imported_from, run, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYMPTOM, CAUSE, OUTAGE = "database.tickets-forgotten", "open-too-long", "postgres-tickets-revoked"
INSIDE, OUTSIDE = f"{SYMPTOM}/13.9-days", f"{SYMPTOM}/14.1-days"
PARTS = ("checks", "ci", "docs", "environments", "fixtures", "lab", "reports", "runbooks", "src", "tests")
LAB = "lab/src/runbook_checks_lab"
MOST_FILES = 8
SQL_BLOCK = re.compile(r"(^```sql\n.*?)(^```$)", re.MULTILINE | re.DOTALL)


def pieces() -> dict[str, Block]:
    """Return the blocks that name the file they belong to."""
    here = [block for block in blocks("yaml", "python", "sql") if block.document.name == "CONTRIBUTING.md"]
    return {block.note: block for block in here if block.note}


def put(copy: Path, name: str, piece: str) -> None:
    """Add a piece to its file of the copy, as a reader would."""
    path = copy / name
    text = path.read_text() if path.exists() else ""
    if "symptoms:\n" in text:
        text = text.replace("symptoms:\n", f"symptoms:\n{piece}", 1)
    elif path.suffix == ".md":
        text = SQL_BLOCK.sub(lambda found: found[1] + piece + found[2], text, count=1)
    elif text:
        text += f"\n\n{piece}" if path.suffix == ".py" else f"\n{piece}"
    path.write_text(text or piece)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the additional symptom."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    for part in PARTS:
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "out"))
    for name in ("conftest.py", "pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, copy)
    for name, block in pieces().items():
        put(copy, name, block.text)
    return copy


@pytest.fixture(scope="module")
def lab(extended: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    with started_lab(tmp_path_factory.mktemp("lab"), project=extended) as lab:
        yield lab


def check(extended: Path, lab: LabClient) -> Ran:
    variables = imported_from(extended) | {"CHECKS_LAB": str(lab.state)}
    return run("--env", "lab", "--system", SYSTEM, "-m", "database", cwd=extended, out=lab.out, variables=variables)


def in_the_copy(extended: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | imported_from(extended)
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=extended, env=variables, capture_output=True, text=True, check=False)


def test_example_touches_few_files() -> None:
    assert len(pieces()) <= MOST_FILES


def test_symptom_is_clear_in_the_healthy_lab(extended: Path, lab: LabClient) -> None:
    ran = check(extended, lab)
    assert ran.results[SYMPTOM]["outcome"] == "clear", ran.output()


def test_fault_is_found_with_its_cause(extended: Path, lab: LabClient) -> None:
    with lab.fault(f"{SYMPTOM}:{CAUSE}"):
        ran = check(extended, lab)
    (finding,) = ran.results[SYMPTOM]["findings"]
    assert finding["cause"] == CAUSE, ran.output()
    assert finding["because"] == "1 tickets in ai_customer_service have been open for more than 14 days"
    assert "<" not in "".join(finding["remedy"]).replace("<>", "")


def test_outage_makes_it_unknown(extended: Path, lab: LabClient) -> None:
    with lab.outage(OUTAGE):
        ran = check(extended, lab)
    result = ran.results[SYMPTOM]
    assert (result["outcome"], result["resource"]) == ("unknown", "postgres"), ran.output()
    assert "permission denied" in result["reason"]


def test_boundaries_lie_on_both_sides_of_the_limit(extended: Path, lab: LabClient) -> None:
    with lab.boundary(INSIDE):
        assert check(extended, lab).results[SYMPTOM]["outcome"] == "clear"
    with lab.boundary(OUTSIDE):
        [finding] = check(extended, lab).results[SYMPTOM]["findings"]
    assert finding["cause"] == CAUSE


def test_grant_is_necessary_and_sufficient(extended: Path, tmp_path: Path) -> None:
    role = next(role for role in ROLES if role.system == SYSTEM)
    outcomes = []
    for number, project in enumerate((PROJECT, extended)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with started_lab(folder) as lab:
            role.replace(lab, project)
            environment, variables = role.environment(lab, folder)
            variables |= imported_from(extended)
            words = ("--env", str(environment), "--system", SYSTEM, "-m", "database")
            outcomes.append(run(*words, cwd=extended, out=lab.out, variables=variables).results[SYMPTOM]["outcome"])
    assert outcomes == ["unknown", "clear"], "without and with the additional grant"


def test_pieces_pass_lint(extended: Path) -> None:
    files = [name for name in pieces() if name.endswith(".py")]
    for words in (["check", *files], ["format", "--check", *files]):
        done = in_the_copy(extended, "ruff", *words)
        assert done.returncode == 0, done.stdout


FAULT, BOUNDARY = (f"{LAB}/{kind}/ai_customer_service/tickets.py" for kind in ("faults", "boundaries"))
SENTENCES = {
    ("checks/database.py",): f'{SYMPTOM} has no check: add a function with @symptom("{SYMPTOM}") to checks/database.py',
    ("runbooks/symptoms/database.yaml",): f"{SYMPTOM} has no text: add it to runbooks/symptoms/database.yaml",
    ("runbooks/ai-customer-service.yaml",): f"{SYMPTOM} is checked nowhere: list it under `symptoms:` in runbooks/",
    (FAULT, BOUNDARY): f"{SYMPTOM}:{CAUSE} has no fault for {SYSTEM}: add one with @fault(",
    (f"{LAB}/outages/ai_customer_service.py",): f"{SYMPTOM} has no outage for {SYSTEM}: name it in an @outage(",
    (BOUNDARY,): f'{SYMPTOM} has no boundary: add one with boundary("{SYMPTOM}", ...) to {LAB}/boundaries/ai_customer',
}


@contextmanager
def left_out(extended: Path, names: tuple[str, ...]) -> Iterator[None]:
    """Remove the pieces of these files from the copy."""
    kept = {name: (extended / name).read_text() for name in names}
    for name in names:
        if (PROJECT / name).exists():
            shutil.copy(PROJECT / name, extended / name)
        else:
            (extended / name).unlink()
    yield
    for name, text in kept.items():
        (extended / name).write_text(text)


def test_nothing_is_missing(extended: Path) -> None:
    done = in_the_copy(extended, "pytest", "-q", "tests/product/test_places.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("names", SENTENCES, ids=" ".join)
def test_missing_piece_is_named(extended: Path, names: tuple[str, ...]) -> None:
    with left_out(extended, names):
        done = in_the_copy(extended, "pytest", "-q", "tests/product/test_places.py")
    assert done.returncode == 1
    assert SENTENCES[names] in done.stdout, done.stdout


def test_generated_files_are_named(extended: Path) -> None:
    words = ("pytest", "-q", "tests/docs/test_made.py", "-k", "up_to_date")
    done = in_the_copy(extended, *words)
    assert "run `python -m docs.generate`" in done.stdout
    assert in_the_copy(extended, "docs.generate").returncode == 0
    assert in_the_copy(extended, *words).returncode == 0
