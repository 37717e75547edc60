"""`runbook-checks gate OCCASION ENV [OPTION...]`: the gate of a pipeline.

The options are those of runbook-checks, such as --settle 120, --expect-version 1.4.2 and --baseline FILE. It writes
results.json, summary.md, junit.xml, allure/ and, if Node is installed, report/index.html to GATE_OUT (./gate). Its exit
code is the run's: 0 continue; 1 stop; 10 unknown, pause; 4, 5 and others: nothing was verified. See docs/gate.md.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from runbook_checks.cli import allure_report
from runbook_checks.locations import COMMAND
from runbook_checks.output.streams import TROUBLE, USAGE
from runbook_checks.probes.core.interpreter import python

OCCASIONS = ("predeploy", "postdeploy", "postrollback")
FOUND, NOTHING_VERIFIED = 1, 5
FILES = ("results.json", "summary.md", "junit.xml")
FOLDERS = ("allure", "report")
ALLURES = re.compile(
    r".*-(result|container)\.json|.*-attachment\..*|(categories|resolutions)\.json|environment\.properties"
)
VERDICTS = {0: "pass", 10: "pause"}


class Refused(Exception):
    """The output folder contains other files than a gate's; the sentence names them."""


def main(words: list[str]) -> int:
    """Run one gate; the exit code of its run."""
    if len(words) < 2 or words[0] not in OCCASIONS:
        print(f"usage: runbook-checks gate {'|'.join(OCCASIONS)} ENV [OPTION...]", file=sys.stderr)
        return USAGE
    occasion, environment, *options = words
    out = Path(os.environ.get("GATE_OUT") or "gate")
    try:
        out.mkdir(parents=True, exist_ok=True)
        out = out.resolve()
        _remove_earlier(out)
    except (OSError, Refused) as error:
        why = f"{out}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"gate: {why}; name another folder with GATE_OUT", file=sys.stderr)
        return USAGE
    code = _run(occasion, environment, options, out)
    is_elsewhere = any(word.partition("=")[0] == "--results" for word in options)
    if code == FOUND and not is_elsewhere and not (out / "results.json").is_file():
        code = TROUBLE  # Python itself exits with 1 if it cannot start
    if code == 0 and not _is_verified(out / "results.json"):
        print(f"gate: nothing was verified: no check is clear in {out / 'results.json'}", file=sys.stderr)
        code = NOTHING_VERIFIED
    _make_report(out)
    _append("GITHUB_STEP_SUMMARY", _text(out / "summary.md"), "the summary could not be added to the job's page")
    written = _append("GITHUB_OUTPUT", f"verdict={_verdict(code)}\n", "the verdict can't be written to GITHUB_OUTPUT")
    if not written and code == 0:
        code = TROUBLE
    print(f"gate: {_verdict(code)} (exit {code}); see {out / 'summary.md'}")
    return code


def _verdict(code: int) -> str:
    return VERDICTS.get(code, "stop")


def _remove_earlier(out: Path) -> None:
    """Remove an earlier gate's files; Refused if a pipe, a link or other files have such a name."""
    for name in (*FILES, *FOLDERS):
        if (out / name).is_symlink():
            raise Refused(f"{out / name} is a link")
    for name in FILES:
        if (out / name).exists() and not (out / name).is_file():
            raise Refused(f"{out / name} is not a regular file")
    if any(not path.is_dir() and not ALLURES.fullmatch(path.name) for path in (out / "allure").rglob("*")):
        raise Refused(f"{out / 'allure'} contains other files than results")
    for name in FILES:
        (out / name).unlink(missing_ok=True)
    if (out / "allure").exists():
        shutil.rmtree(out / "allure")
    if (out / "report" / "index.html").is_file():
        shutil.rmtree(out / "report")


def _run(occasion: str, environment: str, options: list[str], out: Path) -> int:
    """Run the checks in a separate process, so that the gate gives a verdict even if they crash."""
    named = {
        "--results": "results.json",
        "--markdown": "summary.md",
        "--junitxml": "junit.xml",
        "--alluredir": "allure",
    }
    words = ["--env", environment, "-m", occasion, "--gate", os.environ.get("GATE") or "P1", "--out", str(out / "runs")]
    words += [word for option, name in named.items() for word in (option, str(out / name))]
    command = [*python(), str(COMMAND), *words, *options]
    child = subprocess.Popen(command, env=os.environ)  # the files' references are variables
    with suppress(ValueError):  # only the main thread may set a handler
        signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:  # the terminal interrupts the child as well, which then reports its results so far
            continue
        return code if code >= 0 else 128 - code  # a shell's exit code for a signal


def _is_verified(results: Path) -> bool:
    """Whether any check is clear: options such as --collect-only and --help exit with 0 and verify nothing."""
    try:
        return int(json.loads(results.read_text(encoding="utf-8"))["counts"]["clear"]) >= 1
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _make_report(out: Path) -> None:
    """Generate the HTML report; a failure does not change the verdict."""
    if shutil.which("node") and (out / "allure").is_dir():
        with suppress(OSError, ValueError):
            allure_report.main(["--results", str(out / "allure"), "--to", str(out / "report")])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _append(variable: str, text: str, trouble: str) -> bool:
    """Append to the file that a variable of the runner names; False if that fails."""
    named = os.environ.get(variable)
    if not named or not text:
        return True
    try:
        with open(named, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        print(f"gate: {trouble}", file=sys.stderr)
        return False
    return True
