"""Files in the working directory do not change the results of a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.ci import team
from tests.harness import PROJECT, SYSTEM, LabClient

if TYPE_CHECKING:
    from pathlib import Path

BIN = PROJECT / ".venv" / "bin"
CHECKS = str(BIN / "runbook-checks")
FAULT = "health.not-ready:component-down"
WORDS = ("--system", SYSTEM, "-m", "health", "--gate", "P3")
SPREAD = pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["serial", "spread"])


@dataclass
class Place:
    """A working directory, with the variables of a process that checks the running lab."""

    folder: Path
    lab: LabClient
    variables: dict[str, str]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CHECKS_", "GITHUB_", "PYTHON"))}
        kept |= self.lab.variables | {"CHECKS_LAB": str(self.lab.state), "CHECKS_OUT": str(self.lab.out)}
        return subprocess.run(
            words, cwd=self.folder, env=kept | self.variables | more, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


@pytest.fixture
def hostile(lab: LabClient, tmp_path: Path) -> Place:
    folder = team.made(tmp_path / "team's own")
    path = {"PATH": team.path_without_node(tmp_path / "bin")}
    return Place(folder, lab, team.variables(folder) | path)


@pytest.fixture(scope="module")
def expected(lab: LabClient) -> dict[str, Any]:
    """The clone's own results for the broken lab, and for the healthy one."""
    with lab.fault(FAULT):
        broken = lab.check(*WORDS)
    assert broken.code == 1
    return {"broken": said(broken.document), "healthy": said(lab.check(*WORDS).document)}


def said(document: dict[str, Any]) -> dict[str, Any]:
    results = {
        (r["symptom"], r["system"]): (r["outcome"], [f["cause"] for f in r["findings"]]) for r in document["results"]
    }
    return {"code": document["run"]["exit_code"], "roots": document["roots"], "results": results}


def document(path: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert path.is_file(), done.stdout + done.stderr
    return dict(json.loads(path.read_text()))


@SPREAD
def test_command_has_the_same_results_in_a_hostile_repository(
    hostile: Place, expected: dict[str, Any], spread: tuple[str, ...]
) -> None:
    team.without_what_comes_before_us(hostile.folder)
    before = hostile.files()
    words = (CHECKS, "--env", "lab", *WORDS, *spread, "--results", "results.json")
    with hostile.lab.fault(FAULT):
        broken = hostile.run(*words)
    found = document(hostile.folder / "results.json", broken)
    healthy = hostile.run(*words)
    assert said(found) == expected["broken"]
    assert said(document(hostile.folder / "results.json", healthy)) == expected["healthy"]
    assert (broken.returncode, healthy.returncode) == (1, 0), broken.stderr + healthy.stderr
    assert hostile.files() - before == {"results.json"}


@SPREAD
def test_gate_and_comparison_have_the_same_results_in_a_hostile_repository(
    hostile: Place, expected: dict[str, Any], spread: tuple[str, ...]
) -> None:
    """Python reads PYTHONHOME before it runs any code: the shell entries unset it."""
    before = hostile.files()
    url = hostile.lab.variables["LAB_CS_URL"]
    more = {"PYTHONHOME": str(hostile.folder)}
    gate, compare = str(PROJECT / "ci" / "gate"), str(PROJECT / "ci" / "compare")
    with hostile.lab.fault(FAULT):
        stopped = hostile.run(gate, "predeploy", "lab", *WORDS, *spread, **more)
        found = document(hostile.folder / "gate" / "results.json", stopped)
        same = hostile.run(compare, "lab", url, url, *WORDS, *spread, **more)
    assert said(found) == expected["broken"]
    assert (stopped.returncode, same.returncode) == (1, 0), stopped.stderr + same.stdout
    for which in ("old", "new"):
        compared = document(hostile.folder / "gate" / which / "results.json", same)
        assert said(compared)["results"] == expected["broken"]["results"]
    passed = hostile.run(gate, "predeploy", "lab", *WORDS, *spread, **more)
    assert "gate: pass" in passed.stdout, passed.stderr
    assert said(document(hostile.folder / "gate" / "results.json", passed)) == expected["healthy"]
    assert {path.partition("/")[0] for path in hostile.files() - before} == {"gate"}
    assert not list((hostile.folder / "elsewhere" / "gate").iterdir()), "CDPATH points there"


def test_monitor_works_in_a_hostile_repository(hostile: Place, expected: dict[str, Any]) -> None:
    """Without additional options: the environment file selects the checks."""
    before = hostile.files()
    state, environment = hostile.folder.parent / "state", hostile.folder.parent / "lab.yaml"
    more = {"PYTHONHOME": str(hostile.folder), "CHECKS_ADDOPTS": "--collect-only"}
    text = (PROJECT / "environments" / "lab.yaml").read_text()
    environment.write_text(f"{text}\nmonitoring: {{select: health and {SYSTEM.replace('-', '_')}}}\n")
    words = (str(PROJECT / "ci" / "monitor"), str(environment), "--state", str(state))
    with hostile.lab.fault(FAULT):
        done = hostile.run(*words, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        said(document(next((state / "lab" / "runs").glob("2*/results.json"), state), done))["results"]
        == expected["broken"]["results"]
    )
    assert hostile.files() == before


def test_child_processes_import_no_module_of_the_team(hostile: Place) -> None:
    """The lab, and the process of an isolated reading."""
    added = (
        "from operator import add; from runbook_checks.probes.core.isolated import run_isolated; "
        "print(run_isolated(add, 1, 2, resource='x', timeout_s=9))"
    )
    apart = hostile.run(str(BIN / "python"), "-I", "-c", added)
    assert apart.stdout == "3\n", apart.stderr
    listed = hostile.run(
        str(BIN / "python"), "-I", "-m", "runbook_checks.cli.main", "--env", "lab", "--list-symptoms=json"
    )
    assert any(row["faults"] for row in json.loads(listed.stdout)), listed.stderr


def test_reproduce_line_works_in_the_folder_of_the_run(hostile: Place) -> None:
    """The team has its own checks/health.py, and the path is relative and needs quoting in a shell."""
    team.without_what_comes_before_us(hostile.folder)
    environment = hostile.folder.parent / "the lab's.yaml"
    environment.write_text((PROJECT / "environments" / "lab.yaml").read_text())
    path = {"PATH": f"{BIN}:{hostile.variables['PATH']}"}
    with hostile.lab.fault(FAULT):
        first = hostile.run(CHECKS, "--env", f"../{environment.name}", *WORDS)
        [line] = {line for line in first.stdout.splitlines() if line.strip().startswith("reproduce")}
        again = hostile.run("sh", "-c", line.partition("reproduce")[2], **path)
    assert (first.returncode, again.returncode) == (1, 1), again.stdout + again.stderr
    assert "1 root cause. 1 found." in again.stdout


def test_typed_paths_are_relative_to_the_working_directory(lab: LabClient, tmp_path: Path) -> None:
    """Even a path that begins like the built-in checks; only an existing check is looked up in the clone."""
    place = Place(tmp_path, lab, {})
    (tmp_path / "known.yaml").write_text("acknowledged: [{symptom: health.*, reason: x, until: 2999-01-01, by: lee}]")
    words = (CHECKS, "--env", "lab", *WORDS, "--results", "checks/mine.json", "--out", "runs")
    with lab.fault(FAULT):
        acknowledged = place.run(*words, "--known", "known.yaml", CHECKS_OUT="")
        same = place.run(*words, "--baseline", "checks/mine.json", CHECKS_OUT="")
    assert (acknowledged.returncode, same.returncode) == (0, 0), acknowledged.stdout + same.stdout
    assert (tmp_path / "checks" / "mine.json").is_file()
    assert (tmp_path / "runs" / "latest" / "results.json").is_file()


@pytest.mark.parametrize("how", ["joined", "apart", "variable"])
def test_file_of_an_earlier_run_has_no_settings(lab: LabClient, tmp_path: Path, how: str) -> None:
    """pytest takes an existing path for a path of tests, and looks for its settings there."""
    environment, results = tmp_path / "e" / "lab.yaml", tmp_path / "r" / "results.json"
    for path in (environment, results):
        path.parent.mkdir()
        path.write_text((PROJECT / "environments" / "lab.yaml").read_text())
    named = {"joined": [f"--env={environment}"], "apart": ["--env", str(environment)], "variable": []}[how]
    place = Place(PROJECT, lab, {} if named else {"CHECKS_ENV": str(environment)})
    for program in ("pytest", "runbook-checks"):
        done = place.run(str(BIN / program), *named, "--results", str(results), *WORDS)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(results.read_text())["counts"]["clear"]
        results.write_text("before")


def test_options_are_added_by_checks_addopts(lab: LabClient, tmp_path: Path) -> None:
    place = Place(tmp_path, lab, {})
    added = place.run(CHECKS, "--env", "lab", *WORDS, CHECKS_ADDOPTS="--results 'in one word.json' -n 2")
    assert added.returncode == 0, added.stderr
    assert json.loads((tmp_path / "in one word.json").read_text())["counts"]["clear"]
    open_quote = place.run(CHECKS, "--env", "lab", CHECKS_ADDOPTS="-m 'health")
    assert (open_quote.returncode, open_quote.stderr.count("\n")) == (4, 1)
    assert "CHECKS_ADDOPTS: No closing quotation" in open_quote.stderr


def test_unrecognised_option_names_its_variable(lab: LabClient, tmp_path: Path) -> None:
    variables = {"PYTEST_ADDOPTS": "--theirs=1 -q", "CHECKS_ADDOPTS": "--ours=1 -q"}
    in_clone = Place(PROJECT, lab, variables).run(str(BIN / "pytest"), "--env", "lab", "--list-symptoms")
    anywhere = Place(tmp_path, lab, variables).run(CHECKS, "--env", "lab", "--list-symptoms")
    assert (in_clone.returncode, anywhere.returncode) == (4, 4)
    assert "PYTEST_ADDOPTS: adds --theirs -q\n" in in_clone.stderr
    assert "CHECKS_ADDOPTS: adds --ours -q\n" in anywhere.stderr
    assert "theirs" not in anywhere.stderr


@pytest.mark.parametrize("entry", ["gate", "monitor", "compare"])
def test_shell_entry_finds_the_clone_through_links_and_sets_it_up(tmp_path: Path, entry: str) -> None:
    """Called by a relative path, by a make with conflicting flags, in a folder with its own Makefile."""
    clone, here = tmp_path / "the clone", tmp_path / "team's own"
    (clone / "ci").mkdir(parents=True)
    (clone / "made").write_text('#!/bin/sh\necho "ran in $PWD: $*"\nexit 10\n')
    (clone / "made").chmod(0o755)
    copied = "mkdir -p .venv/bin && cp made .venv/bin/python && cp made .venv/bin/runbook-checks"
    (clone / "Makefile").write_text(f"set-up:\n\t{copied}\n")
    for name in ("gate", "monitor", "compare"):
        shutil.copy(PROJECT / "ci" / name, clone / "ci" / name)
    (here / "linked").mkdir(parents=True)
    (here / "linked" / "entry").symlink_to(clone / "ci" / entry)
    for trap in (here, here / "elsewhere" / "linked"):
        trap.mkdir(parents=True, exist_ok=True)
        (trap / "Makefile").write_text("set-up:\n\techo theirs; false\n")
    words = {"gate": ["predeploy", "e.yaml"], "monitor": ["e.yaml"], "compare": ["e.yaml", "http://a", "http://b"]}[
        entry
    ]
    variables = {"PATH": team.path_without_node(tmp_path / "bin"), "CDPATH": "elsewhere", "MAKEFLAGS": "n"}
    done = subprocess.run(
        ["./linked/entry", *words], cwd=here, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 10, done.stdout + done.stderr
    assert f"ran in {here}: -I -m " in done.stdout
