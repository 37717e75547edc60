"""Facts about the repository's structure; each failure says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.harness import PROJECT, SYSTEM, run
from tests.imports import import_graph

WITHOUT_CYCLES = {  # packages by name, with the folder of each
    "runbook_checks": "src/runbook_checks",
    "runbook_checks_lab": "lab/src/runbook_checks_lab",
}


@pytest.mark.parametrize("package", WITHOUT_CYCLES)
def test_no_import_cycle(package: str) -> None:
    graph = import_graph(PROJECT / WITHOUT_CYCLES[package], package)
    assert graph.imports, f"{WITHOUT_CYCLES[package]} contains no module"
    advice = "move what two of these share into a module below both, or give the lower one a Protocol"
    assert graph.cycles == [], f"these modules import each other (types and imports in functions count): {advice}"


def test_no_two_packages_of_probes_import_each_other() -> None:
    found = import_graph(PROJECT / "src/runbook_checks/probes", "runbook_checks.probes").packages
    both = {pair: found[pair] for pair in found if pair[::-1] in found}
    assert not both, f"move what both need into one below them, such as probes.net or probes.core: {both}"


@pytest.mark.parametrize(
    "module",
    [
        *(
            "runbook_checks.probes.http.client",
            "runbook_checks.probes.tls.server",
            "runbook_checks.handles",
            "runbook_checks.plugin.occasions",
            "runbook_checks.reports.plugin",
        ),
        *(
            "runbook_checks.reports.metrics",
            "runbook_checks.monitor.command",
            "runbook_checks.monitor.round_outputs",
            "runbook_checks.monitor.channels",
        ),
    ],
)
def test_heavy_libraries_are_imported_where_they_are_used(module: str) -> None:
    heavy = [
        "requests",
        "psycopg",
        "dns.resolver",
        "hypothesis",
        "schemathesis",
        "yaml",
        "pydantic",
        "cryptography.x509",
        "apprise",
        "prometheus_client",
    ]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@cache
def listed() -> list[dict[str, Any]]:
    ran = run("--env", "lab", "--list-symptoms=json")
    assert ran.code == 0, ran.output()
    return list(json.loads(ran.stdout))


def test_list_has_every_symptom_of_a_system() -> None:
    import yaml

    runbook = yaml.safe_load((PROJECT / "runbooks" / f"{SYSTEM}.yaml").read_text())
    assert {row["symptom"] for row in listed() if row["system"] == SYSTEM} == set(runbook["symptoms"])
    keys = {"symptom", "system", "severity", "when", "effect", "check", "causes", "faults"}
    assert all(set(row) == keys for row in listed())


def test_checks_without_their_capability_are_not_collected_and_named(tmp_path: Any) -> None:
    env = tmp_path / "part.yaml"
    env.write_text(f"name: part\ntier: staging\nsystems: {{{SYSTEM}: {{http: {{base_url: 'http://127.0.0.1:9'}}}}}}\n")
    ran = run("--env", str(env), "--list-symptoms=json")
    symptoms = {row["symptom"] for row in json.loads(ran.stdout)}
    assert "health.unreachable" in symptoms
    assert "database.unreachable" not in symptoms
    text = run("--env", str(env), "--list-symptoms").stdout
    assert f"database.unreachable [{SYSTEM}]: postgres or mysql is not configured in part" in text


def test_repository_names_no_path_of_this_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S607
    if tracked.returncode:
        pytest.skip("not a git checkout")
    words = (
        "/ho" + "me/",
        "../sha" + "red",
        "/wo" + "rk/",
        "Cla" + "ude",
        "pypi" + ".org/simple",
        "files.python" + "hosted",
    )
    found = []
    for name in filter(None, tracked.stdout.split("\0")):
        path = PROJECT / name
        text = path.read_text(errors="replace") if path.is_file() else ""
        found += [f"{name}: {word}" for word in words if word in text]
    assert found == []
