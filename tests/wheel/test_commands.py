"""The commands of an installed wheel, from another folder, with their own home and no program on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import PROJECT
from tests.wheel import SLOW
from tests.wheel.bookshop import VERSION, Bookshop, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wheel.environments import User

pytestmark = SLOW
EXPECTED = ("--expect-version", VERSION)
LAB_IS_MISSING = "the lab is not installed: `pip install runbook-checks-lab`\n"


@pytest.fixture
def payments_down(shop: Bookshop) -> Iterator[None]:
    shop.down.add("payments")
    yield
    shop.down.clear()


def document(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def outcomes(path: Path) -> set[str]:
    return {result["outcome"] for result in document(path)["results"]}


def test_version_is_that_of_the_project(user: User) -> None:
    [version] = re.findall(r'^version = "(.*)"', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    done = user.checks("--version")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"runbook-checks {version}"), done.stderr


def test_symptoms_of_a_copied_example_are_listed(user: User, shop: Bookshop) -> None:
    shop.example(user.work / "example")
    done = user.checks("--env", "example/staging.yaml", "--list-symptoms=json")
    listed = {row["symptom"]: row["check"] for row in json.loads(done.stdout)}
    assert listed["database.unreachable"].startswith("checks/database.py::")
    assert {"backup.stale", "health.not-ready", "logs.errors", "migration.column-drift"} <= listed.keys()
    assert {path.name for path in user.work.iterdir()} == {"example"}


def test_suite_of_a_team_is_found_in_its_folder(user: User) -> None:
    """The built-in checks that its runbook lists, and the team's own with its own capability."""
    suite = user.work / "suite"
    shutil.copytree(PROJECT / "docs" / "example" / "suite", suite, ignore=shutil.ignore_patterns("__pycache__"))
    user.work = suite / "checks"
    done = user.checks("--env", "staging", "--list-symptoms=json")
    assert done.returncode == 0, done.stderr
    listed = {row["symptom"]: row["check"].partition("::")[0] for row in json.loads(done.stdout)}
    assert listed == {"health.unreachable": "checks/health.py", "orders.stuck": "checks/orders.py"}


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["serial", "spread"])
def test_healthy_service_is_clear(user: User, shop: Bookshop, spread: tuple[str, ...]) -> None:
    shop.example(user.work / "example")
    done = user.checks("--env", "example/staging.yaml", *EXPECTED, *spread, **shop.variables)
    assert done.returncode == 0, done.stdout + done.stderr
    results = user.work / "reports" / "out" / "latest" / "results.json"
    assert outcomes(results) == {"clear"}
    assert document(results)["counts"]["clear"] > 8
    assert "site-packages" not in done.stdout.partition("plugins:")[2]
    assert {path.name for path in user.work.iterdir()} == {"example", "reports"}
    assert (user.cache / "runbooks").is_dir()


@pytest.mark.usefixtures("payments_down")
def test_fault_is_found_with_its_remedy_and_reproduced(user: User, shop: Bookshop) -> None:
    shop.example(user.work / "example")
    done = user.checks("--env", "example/staging.yaml", *EXPECTED, **shop.variables)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "remedy     payments: check the provider's status page first" in done.stdout
    [again] = set(re.findall(r"reproduce  runbook-checks --env example/staging.yaml .*?\"(checks/.*)\"", done.stdout))
    reproduced = user.checks("--env", "example/staging.yaml", again, **shop.variables)
    assert reproduced.returncode == 1, reproduced.stdout + reproduced.stderr
    assert "health.not-ready [bookshop]" in reproduced.stdout


def test_gate_stops_and_passes(user: User, shop: Bookshop) -> None:
    shop.example(user.work / "example")
    words = ("gate", "postdeploy", "example/staging.yaml", *EXPECTED)
    passed = user.checks(*words, **shop.variables)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    shop.down.add("database")
    stopped = user.checks(*words, **shop.variables)
    shop.down.clear()
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "gate: stop (exit 1)" in stopped.stdout
    written = {path.name for path in (user.work / "gate").iterdir()}
    assert written == {"allure", "junit.xml", "results.json", "runs", "summary.md"}


def test_comparison_counts_only_the_new_version(user: User, shop: Bookshop) -> None:
    shop.example(user.work / "example")
    with serving() as (url, down):
        down.add("payments")
        worse = user.checks("compare", "example/staging.yaml", shop.url, url, *EXPECTED, **shop.variables)
        better = user.checks("compare", "example/staging.yaml", url, shop.url, *EXPECTED, **shop.variables)
    assert (worse.returncode, better.returncode) == (1, 0), worse.stdout + better.stdout


@pytest.mark.usefixtures("payments_down")
def test_monitor_keeps_its_history_in_the_state_folder(user: User, shop: Bookshop) -> None:
    shop.example(user.work / "example")
    rounds = [user.checks("monitor", "example/staging.yaml", **shop.variables) for _ in range(2)]
    assert [done.returncode for done in rounds] == [0, 0], rounds
    assert "[bookshop-staging] P0 health.not-ready[bookshop] (component-down)" in rounds[1].stdout
    history = user.state / "monitor" / "bookshop-staging" / "history.sqlite3"
    with sqlite3.connect(history) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert {path.name for path in user.work.iterdir()} == {"example"}


def test_missing_lab_is_reported(user: User) -> None:
    by_hand, chosen, listed = user.checks("lab"), user.checks("--env=lab"), user.checks("--env=lab", "--list-symptoms")
    assert (by_hand.returncode, by_hand.stderr) == (4, LAB_IS_MISSING)
    assert (chosen.returncode, chosen.stderr) == (4, f"ERROR: {LAB_IS_MISSING}\n")
    assert (listed.returncode, listed.stderr) == (4, f"ERROR: {LAB_IS_MISSING}\n")


def test_report_needs_a_run_and_node(user: User, shop: Bookshop) -> None:
    shop.example(user.work / "example")
    without_run = user.checks("report")
    user.checks("--env", "example/staging.yaml", **shop.variables)
    without_node = user.checks("report")
    assert (without_run.returncode, without_node.returncode) == (3, 3)
    assert "no results in reports/out yet" in without_run.stderr
    assert "the report needs Node 20 or newer and npm, and node or npm is not on PATH" in without_node.stderr


def test_report_makes_pages_with_its_cache(user: User, shop: Bookshop) -> None:
    """Uses npm's cache of the user who runs the tests, so that its registry is needed only once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node or npm is not on PATH")
    shop.example(user.work / "example")
    user.checks("--env", "example/staging.yaml", **shop.variables)
    settings = {k: v for k, v in os.environ.items() if k.lower().startswith("npm_config_")} | npm_cache(npm)
    path = os.pathsep.join(dict.fromkeys([os.path.dirname(node), os.path.dirname(npm), "/usr/bin", "/bin"]))
    done = user.checks("report", PATH=path, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "report: reports/out/report/index.html (opens from disk)\n"
    assert "<title>" in (user.work / "reports" / "out" / "report" / "index.html").read_text()
    assert (user.cache / "toolbox" / "allure" / "node_modules").is_dir()


def npm_cache(npm: str) -> dict[str, str]:
    reported = subprocess.run([npm, "config", "get", "cache"], capture_output=True, text=True, check=True)
    return {"npm_config_cache": reported.stdout.strip()}
