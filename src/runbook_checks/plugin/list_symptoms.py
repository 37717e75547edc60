"""--list-symptoms: list the collected checks and the reasons for those not collected; no target is contacted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.config.untrusted_text import json_text
from runbook_checks.handles.annotations import handles_of
from runbook_checks.plugin.lab_command import lab_command
from runbook_checks.plugin.run import run_of
from runbook_checks.plugin.selection import lacking, symptom_of, system_of
from runbook_checks.probes.core.child_environment import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runbook_checks.config.run import Run


def lab_faults() -> list[dict[str, Any]]:
    """The faults of the lab: `fault` as symptom:cause, and its `systems`."""
    done = subprocess.run(lab_command("--list=json"), env=clean(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise pytest.UsageError(f"the lab could not list its faults: {done.stderr.strip().splitlines()[-1:]}")
    return list(json.loads(done.stdout))


def rows(items: list[Any], run: Run) -> list[dict[str, Any]]:
    """One row for each collected check."""
    faults = lab_faults() if run.environment.lab else []
    listed = []
    for item in items:
        name, system = symptom_of(item), system_of(item)
        text = run.systems[system].symptoms[name or ""]
        listed.append({
            "symptom": name, "system": system, "severity": text.severity, "when": list(text.when),
            "effect": text.effect, "check": item.nodeid, "causes": list(text.causes),
            "faults": [f["fault"] for f in faults if f["fault"].split(":")[0] == name and system in f["systems"]],
        })  # fmt: skip
    return sorted(listed, key=lambda row: (row["system"], row["symptom"]))


def not_collected(items: list[Any], run: Run) -> Iterator[str]:
    """A line with the reason for each symptom of a chosen system that is not checked."""
    functions = {symptom_of(item): item.function for item in items}
    functions |= {getattr(f, "symptom", ""): f for f in _check_functions()}
    collected = {(symptom_of(item), system_of(item)) for item in items}
    for system, chosen in run.systems.items():
        for name in chosen.symptoms:
            if (name, system) in collected or name not in functions:
                if name not in functions:
                    yield f"{name} [{system}]: no check exists"
                continue
            needs = sorted(set(lacking(handles_of(functions[name]).values(), chosen)))
            if needs:
                is_or_are = "is" if len(needs) == 1 else "are"
                yield f"{name} [{system}]: {', '.join(needs)} {is_or_are} not configured in {run.environment.name}"


def _check_functions() -> Iterator[Any]:
    modules = [m for name, m in list(sys.modules.items()) if name.split(".")[-2:-1] == ["checks"]]
    for checks in modules:
        yield from (f for f in vars(checks).values() if hasattr(f, "symptom"))


class Listing:
    """Prints the list instead of running the checks."""

    def __init__(self, form: str) -> None:
        self.form = form

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        run = run_of(session.config)
        items = [item for item in session.items if symptom_of(item)]
        listed = rows(items, run)
        if self.form == "json":
            text = json_text(json.dumps(listed, indent=1, ensure_ascii=False))
        else:
            text = "\n".join(_lines(listed, list(not_collected(items, run)), run.environment.allows))
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus in (pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.OK):
            session.exitstatus = pytest.ExitCode.OK


def _lines(listed: list[dict[str, Any]], absent: list[str], allows: Callable[[str], bool]) -> Iterator[str]:
    system = None
    for row in listed:
        if row["system"] != system:
            system = row["system"]
            yield f"{system}"
        effect = "" if row["effect"] == "read" else f" ({row['effect']})"
        effect += "" if allows(row["effect"]) else " skipped: not allowed here"
        effect += " only on request" if "drill" in row["when"] else ""
        yield f"  {row['severity']} {row['symptom']}{effect}  {' '.join(row['when'])}"
        known = {fault.split(":")[1] for fault in row["faults"]}
        yield "       " + ", ".join(
            cause if cause in known or not known else f"{cause} (no fault)" for cause in row["causes"]
        )
    yield f"{len(listed)} symptoms would be checked."
    if absent:
        yield f"{len(absent)} would not be checked:"
        yield from (f"  {line}" for line in absent)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    form = getattr(config.option, "list_symptoms", None)
    if form:
        config.pluginmanager.register(Listing(form), "runbook-checks-listing")
        # Only the list goes to standard output.
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)
