"""Generate an HTML report from the results of runs with Allure 3, with trends and known issues."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from runbook_checks.cli.npm import ToolError, end_of, find_node, get
from runbook_checks.config.environment_files import suite_here
from runbook_checks.locations import SUITE, output_folder, tools_folder
from runbook_checks.output import files as outputs
from runbook_checks.output import streams
from runbook_checks.output.destinations import as_typed
from runbook_checks.probes.core.child_environment import clean

LOCK = SUITE / "reports" / "allure"
TOOL = tools_folder() / "allure"
# Allure's pages load a third party's tracker, which must not learn of incident reports.
TRACKER = re.compile(r"<script async src=\"https://www\.googletagmanager\.com/[^>]*></script>")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="runbook-checks report", description=__doc__)
    parser.add_argument("--results", metavar="FOLDER", help="Allure's result files (default: the newest run's)")
    parser.add_argument("--to", metavar="FOLDER", help="the folder for the pages (default: reports/out/report)")
    parser.add_argument("--environments", action="store_true", help="include the newest run of each environment")
    parser.add_argument("--many-files", action="store_true", help="write a folder for a web server instead of one file")
    options = parser.parse_args(arguments)
    try:
        runs = [Path(options.results).resolve()] if options.results else newest_results(options.environments)
        to = Path(options.to).resolve() if options.to else output_folder(suite_here()) / "report"
        page = generate(runs, to, is_single=not options.many_files)
    except ToolError as trouble:
        print(f"report: {trouble}", file=sys.stderr)
        return streams.TROUBLE
    print(f"report: {as_typed(page)}" + (" (needs a web server)" if options.many_files else " (opens from disk)"))
    return 0


def newest_results(of_each_environment: bool) -> list[Path]:
    """The folder with Allure's files of the newest run, or those of each environment's newest run."""
    out = output_folder(suite_here())
    latest = out / "latest"
    found = [latest.resolve() / "allure"] if latest.exists() else []
    if of_each_environment:
        every = sorted((path.parent for path in out.glob("2*/allure/environment.properties")), reverse=True)
        newest = {property_of(folder, "environment"): folder for folder in reversed(every)}
        found = [newest[name] for name in sorted(newest)]
    found = [folder for folder in found if any(folder.glob("*-result.json"))]
    if not found:
        raise ToolError(f"no results in {as_typed(out)} yet: run the checks first.")
    return found


def property_of(results: Path, key: str) -> str:
    """A value of a run's environment.properties."""
    properties = results / "environment.properties"
    lines = properties.read_text(encoding="utf-8").splitlines() if properties.exists() else []
    return dict(line.split(" = ", 1) for line in lines if " = " in line).get(key, "")


def generate(runs: list[Path], to: Path, *, is_single: bool) -> Path:
    """Generate the pages of runs; the history file beside them provides trends."""
    require_replaceable(to)
    node = find_node()
    get(LOCK, TOOL, "report: Allure 3")
    names = [property_of(run, "run") or run.parent.name for run in runs]
    environments = [property_of(run, "environment") for run in runs]
    name = f"runbook-checks {' '.join(names)}"
    # The trends of one environment, or of all of them together.
    of = f"-{environments[0]}" if len(runs) == 1 and environments[0] else ""
    page, history = to / "index.html", to.with_name(f"allure-history{re.sub(r'[^A-Za-z0-9.-]', '_', of)}.jsonl")
    forget(history, name)
    shutil.rmtree(to, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "allurerc.mjs")
        config.write_text(settings(name, runs, environments, to, history, is_single=is_single), encoding="utf-8")
        command = [node, str(TOOL / "node_modules" / "allure" / "cli.js"), "generate", "--config", str(config)]
        env = clean(FORCE_COLOR="0")
        done = subprocess.run([*command, *map(str, runs)], check=False, env=env, capture_output=True, text=True)
    if done.returncode != 0 or not page.exists():
        raise ToolError(f"Allure could not generate the pages:{end_of(done)}")
    page.write_text(TRACKER.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    return page


def require_replaceable(to: Path) -> None:
    """ToolError if the folder, which is deleted first, contains anything but such a report."""
    page = to / "index.html"
    is_ours = page.is_file() and "allure" in page.read_text(encoding="utf-8", errors="replace").lower()
    if to.exists() and not is_ours and (not to.is_dir() or any(to.iterdir())):
        raise ToolError(f"{to} contains other files than a report: name another folder with --to.")


def settings(name: str, runs: list[Path], environments: list[str], to: Path, history: Path, *, is_single: bool) -> str:
    """Allure's settings as JavaScript, which matches environments by a label on their results."""
    pages = {"singleFile": is_single, "reportLanguage": "en", "groupBy": ["epic", "feature"]}
    plain = {
        "name": name,
        "output": str(to),
        "historyPath": str(history),
        "historyLimit": 50,
        "plugins": {"awesome": {"options": pages}},
        # Allure 3 reads categories from its settings only, in the form that Allure 2 reads from the results.
        "categories": _beside(runs, "categories.json"),
        "resolutions": {"rules": _beside(runs, "resolutions.json")},
    }
    matchers = [
        f"{json.dumps(f'env{number}')}: {{name: {json.dumps(environment)}, matcher: ({{labels}}) => "
        f"labels.some(l => l.name === 'environment' && l.value === {json.dumps(environment)})}}"
        for number, environment in enumerate(environments)
        if environment
    ]
    return f"export default {{...{json.dumps(plain)}, environments: {{{', '.join(matchers)}}}}};\n"


def _beside(runs: list[Path], name: str) -> list[Any]:
    """The entries of a file beside each run's results, without duplicates."""
    paths = [run / name for run in runs]
    entries = [entry for path in paths if path.exists() for entry in json.loads(path.read_text(encoding="utf-8"))]
    return [entry for number, entry in enumerate(entries) if entry not in entries[:number]]


def forget(history: Path, name: str) -> None:
    """Remove a run from the history, so that it counts once in the trends however often its pages are generated."""
    if history.exists():
        kept = [line for line in history.read_text(encoding="utf-8").splitlines() if json.loads(line)["name"] != name]
        outputs.write(history, "".join(line + "\n" for line in kept))


if __name__ == "__main__":
    sys.exit(streams.ended("report", main))
