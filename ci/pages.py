"""How does a run become pages to browse? Allure 3 makes them of the newest run's results, with trends.

Allure comes from npm into .toolbox/ the first time, as ci/allure/package-lock.json has it with its hashes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ci.setup import ROOT, SetUpError, alone

LOCK = ROOT / "ci" / "allure"
TOOL = ROOT / ".toolbox" / "allure"
OUT = ROOT / "reports" / "out"
PAGE = OUT / "report" / "index.html"
OLDEST_NODE = 20
# Allure's pages load a tracker from a third party: a report of an incident must not tell anyone of itself.
TRACKER = re.compile(r"<script async src=\"https://www\.googletagmanager\.com/[^>]*></script>")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--results", metavar="FOLDER", help="Allure's files (those of the newest run)")
    parser.add_argument("--to", metavar="FOLDER", help="where the pages go (reports/out/report)")
    asked = parser.parse_args(arguments)
    try:
        results = Path(asked.results).resolve() if asked.results else newest_results()
        page = generate(find_node(), results, Path(asked.to).resolve() if asked.to else PAGE.parent)
    except SetUpError as trouble:
        print(f"report: {trouble}", file=sys.stderr)
        return 1
    print(f"report: {page.relative_to(ROOT) if page.is_relative_to(ROOT) else page} (opens from disk)")
    return 0


def newest_results() -> Path:
    """The folder with Allure's files of the newest run."""
    latest = OUT / "latest"
    found = next(latest.resolve().rglob("*-result.json"), None) if latest.exists() else None
    if found is None:
        raise SetUpError("no run has left results yet: `make check` first.")
    return found.parent


def find_node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = " or ".join(name for name, path in [("node", node), ("npm", npm)] if path is None)
        raise SetUpError(
            f"the pages need Node {OLDEST_NODE} or newer and npm, and there is no {missing} on PATH. "
            "The results themselves are in reports/out/latest, and everything else works without."
        )
    told = subprocess.run([node, "--version"], check=False, capture_output=True, text=True).stdout.strip()
    major = re.match(r"v(\d+)", told)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise SetUpError(f"the pages need Node {OLDEST_NODE} or newer, and node here is {told or 'not working'}.")
    return node


def get_allure() -> None:
    """Beside first and renamed when whole, so that an interrupted download leaves nothing half made."""
    lock = (LOCK / "package-lock.json").read_bytes()
    with alone():
        have = TOOL / "package-lock.json"
        if have.exists() and have.read_bytes() == lock:
            return
        print("report: getting Allure 3 from npm into .toolbox; only this once.", file=sys.stderr, flush=True)
        beside = TOOL.with_name("allure.tmp")
        for folder in (beside, TOOL):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(LOCK, beside)
        install(beside)
        beside.rename(TOOL)


def install(folder: Path) -> None:
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    # Left alone, npm waits two and a half minutes for a registry that is out of reach.
    quick = ["--prefer-offline", "--fetch-retries", "1", "--fetch-retry-mintimeout", "1000"]
    command = ["npm", "ci", *quiet, *quick]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, close_fds=False)
    if done.returncode != 0:
        raise SetUpError(f"npm could not get Allure; its registry must be within reach this once.{end_of(done)}")


def end_of(done: subprocess.CompletedProcess[str]) -> str:
    """The last lines a tool said, indented under our own sentence."""
    return "".join(f"\n  {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-6:])


def generate(node: str, results: Path, to: Path) -> Path:
    """The pages of some results; the history beside them makes the trends."""
    get_allure()
    page, history = to / "index.html", to.with_name("allure-history.jsonl")
    name = f"runbook-checks {run_of(results)}"
    forget(history, name)
    shutil.rmtree(to, ignore_errors=True)
    allure = str(TOOL / "node_modules" / "allure" / "cli.js")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "allurerc.json")
        config.write_text(json.dumps(settings(name, results, to, history)), encoding="utf-8")
        command = [node, allure, "generate", "--config", str(config), str(results)]
        env = {**os.environ, "FORCE_COLOR": "0"}
        done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0 or not page.exists():
        raise SetUpError(f"Allure could not make the pages:{end_of(done)}")
    page.write_text(TRACKER.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    return page


def run_of(results: Path) -> str:
    """The run that left these results, as it says itself; else the folder's name."""
    properties = results / "environment.properties"
    lines = properties.read_text(encoding="utf-8").splitlines() if properties.exists() else []
    told = dict(line.split(" = ", 1) for line in lines if " = " in line)
    return told.get("run") or results.parent.name


def settings(name: str, results: Path, to: Path, history: Path) -> dict[str, Any]:
    pages = {"singleFile": True, "reportLanguage": "en", "groupBy": ["epic", "feature", "story"]}
    # Allure 3 takes categories from its settings only, in the form that Allure 2 has among the results.
    categories = results / "categories.json"
    return {
        "name": name,
        "output": str(to),
        "historyPath": str(history),
        "historyLimit": 50,
        "plugins": {"awesome": {"options": pages}},
        "categories": json.loads(categories.read_text(encoding="utf-8")) if categories.exists() else [],
    }


def forget(history: Path, name: str) -> None:
    """A run counts once in the trends, however often its pages are made."""
    if history.exists():
        kept = [line for line in history.read_text(encoding="utf-8").splitlines() if json.loads(line)["name"] != name]
        history.write_text("".join(line + "\n" for line in kept), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
