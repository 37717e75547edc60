"""The lab works as an installed program: from any folder, with nothing of the clone except its own package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from runbook_checks_lab.folders import PACKAGE
from tests.harness import PROJECT
from tests.imports import import_graph

NAME = PACKAGE.name
BOOT_S = 60.0
PROGRAMS = {
    "mariadb": "mariadbd is not on PATH: install it (Debian's package mariadb-server-core)",
    "prometheus": "prometheus is not on PATH: install it (Debian's package prometheus)",
}
BROUGHT = {"botocore": "boto3", "starlette": "fastapi", "werkzeug": "flask"}
"""Imported package -> the dependency that installs it."""
NAMES = {"dns": "dnspython", "jwt": "pyjwt"}


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with the package, its dependencies and few programs."""
    site, tools = tmp_path / "site", tmp_path / "tools"
    shutil.copytree(PACKAGE, site / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    tools.mkdir()
    for program in ("cp", "unshare"):
        if found := shutil.which(program):
            (tools / program).symlink_to(found)
    return {
        "PYTHONPATH": str(site),
        "PATH": str(tools),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "kept"),
    }


def _output(environment: dict[str, str], cwd: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_runs_from_any_folder_with_the_package_alone(tmp_path: Path, installed: dict[str, str]) -> None:
    elsewhere, state = tmp_path / "elsewhere", tmp_path / "state.json"
    elsewhere.mkdir()
    words = [sys.executable, "-m", NAME, "--state", str(state), "--system", "sales-ai", "--system", "reverseai"]
    process = subprocess.Popen(words, cwd=elsewhere, env=installed, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + BOOT_S
    while not state.is_file() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    process.terminate()
    said = process.communicate(timeout=30)[1]
    assert (process.returncode, state.is_file()) == (0, True), said
    absent = {name: text for name, text in PROGRAMS.items() if not shutil.which(text.split()[0], path="/usr/sbin")}
    reported = json.loads(state.read_text())
    assert reported["missing"] == absent
    assert said.splitlines() == [f"the lab has no {name}: {text}" for name, text in reported["missing"].items()]
    assert "LAB_SALES_R2_ENDPOINT" in reported["variables"], "moto's process also finds the package"
    assert list((tmp_path / "kept" / "runbook-checks-lab").glob("postgres-*"))
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({}, "kept/runbook-checks-lab"),
        ({"XDG_CACHE_HOME": "kept"}, ".cache/runbook-checks-lab"),
        ({"XDG_CACHE_HOME": "{folder}/a-file"}, ".cache/runbook-checks-lab"),
        ({"XDG_CACHE_HOME": "", "HOME": "{folder}/a-file"}, f"temporary/runbook-checks-cache-{os.geteuid()}"),
    ],
    ids=["named", "relative", "not-writable", "no-home"],
)
def test_cache_is_in_the_users_cache_folder(
    tmp_path: Path, installed: dict[str, str], variables: dict[str, str], folder: str
) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "a-file").touch()
    given = {name: value.replace("{folder}", str(tmp_path)) for name, value in variables.items()}
    environment = installed | {"TMPDIR": str(tmp_path / "temporary")} | given
    code = f"from {NAME}.folders import cache_folder; print(cache_folder())"
    assert _output(environment, tmp_path, code) == str(tmp_path / folder)


@pytest.mark.parametrize(
    ("site", "clone"),
    [
        ("top/lab/src", "top"),
        ("top/lab/.venv/lib/python3/site-packages", None),
        ("runbook_checks_lab-0.2.0/src", None),
    ],
    ids=["clone", "environment-in-a-folder-called-lab", "source-distribution"],
)
def test_clone_is_recognised_by_its_folders(
    tmp_path: Path, installed: dict[str, str], site: str, clone: str | None
) -> None:
    (tmp_path / site / NAME).mkdir(parents=True)
    for name in ("__init__.py", "folders.py"):
        shutil.copy(PACKAGE / name, tmp_path / site / NAME)
    (tmp_path / site.split("/src")[0].split("/.venv")[0] / "pyproject.toml").touch()
    environment = installed | {"PYTHONPATH": str(tmp_path / site)}
    code = f"from {NAME}.folders import CLONE; print(CLONE)"
    assert _output(environment, tmp_path, code) == str(clone and tmp_path / clone)


def test_distribution_requires_what_the_lab_imports() -> None:
    project = tomllib.loads((PROJECT / "lab" / "pyproject.toml").read_text())["project"]
    asked = {Requirement(wanted).name.lower() for wanted in project["dependencies"]}
    roots = {name.partition(".")[0] for names in import_graph(PACKAGE, NAME).outside.values() for name in names}
    wanted = {NAMES.get(root, BROUGHT.get(root, root)) for root in roots - set(sys.stdlib_module_names)}
    assert wanted - asked == set(), "lab/pyproject.toml does not name these"


def test_distribution_has_the_products_version_and_licence() -> None:
    lab, product = (
        tomllib.loads((PROJECT / folder / "pyproject.toml").read_text())["project"] for folder in ("lab", ".")
    )
    assert [lab[key] for key in ("version", "requires-python", "license")] == [
        product[key] for key in ("version", "requires-python", "license")
    ]
    assert (PROJECT / "lab" / "LICENSE").read_text() == (PROJECT / "LICENSE").read_text(), "copy it"
