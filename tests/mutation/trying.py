"""Does a changed check still say the same of the healthy lab and of every fault of its symptom?"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness import PROJECT, LabClient, Ran, run, started_lab

if TYPE_CHECKING:
    from tests.mutation.mutants import Mutant

Verdict = dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """A mutant and what gave it away; None where nothing did."""

    mutant: Mutant
    seen_by: str | None


class Bench:
    """A copy of the project in which one module at a time is changed, and a lab for each system."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.copy = folder / "project"
        self.labs: dict[str, LabClient] = {}
        self.verdicts: dict[tuple[str, str, str], Verdict] = {}
        self.rows = json.loads(run("--env", "lab", "-m", "drill or not drill", "--list-symptoms=json").stdout)
        self._copy()

    def _copy(self) -> None:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
        for name in filter(None, listed.stdout.split("\0")):
            target = self.copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target)

    def lab(self, system: str) -> LabClient:
        if system not in self.labs:
            place = self.folder / system
            place.mkdir()
            self.labs[system] = self.stack.enter_context(started_lab(place, system))
        return self.labs[system]

    def tried(self, mutant: Mutant) -> Tried:
        """The first thing that gives the mutant away."""
        path = self.copy / "checks" / f"{mutant.module}.py"
        source = path.read_text()
        path.write_text(mutant.applied(source))
        try:
            for symptom in mutant.symptoms:
                for row in [row for row in self.rows if row["symptom"] == symptom]:
                    seen = self._noticed(row)
                    if seen:
                        return Tried(mutant, seen)
        finally:
            path.write_text(source)
        return Tried(mutant, None)

    def _noticed(self, row: dict[str, Any]) -> str | None:
        for fault in ("", *row["faults"]):
            expected = self._expected(row, fault)
            if self._verdict(row, fault, self.copy) != expected:
                return f"{fault or 'the healthy lab'} of {row['system']}"
        return None

    def _expected(self, row: dict[str, Any], fault: str) -> Verdict:
        """What the unchanged check says, asked once."""
        key = (row["symptom"], row["system"], fault)
        if key not in self.verdicts:
            self.verdicts[key] = self._verdict(row, fault, PROJECT)
        return self.verdicts[key]

    def _verdict(self, row: dict[str, Any], fault: str, project: Path) -> Verdict:
        lab = self.lab(row["system"])
        with lab.fault(*([fault] if fault else [])):
            ran = run(
                "--env", "lab", "--system", row["system"], row["check"],
                out=self.folder / "out", cwd=project, variables={"CHECKS_LAB": str(lab.state)},
            )  # fmt: skip
        verdict = _told(ran)
        if ran.folder:
            shutil.rmtree(ran.folder, ignore_errors=True)
        return verdict


def _told(ran: Ran) -> Verdict:
    """What counts of a run: outcome, and of each finding cause, severity and how many there are."""
    if ran.folder is None or not (ran.folder / "results.json").is_file():
        return {"crashed": True}
    [result] = ran.document["results"] or [{"outcome": "none", "findings": []}]
    causes = sorted(f"{finding['severity']} {finding['cause']}" for finding in result["findings"])
    return {"outcome": result["outcome"], "findings": causes}
