"""`ci/monitor ENV`: make one round for one environment; a schedule starts it every few minutes."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks.config.cache import load
from runbook_checks.config.environment_files import NoSuchEnvironment, find_environment
from runbook_checks.config.redaction import Redaction
from runbook_checks.config.secrets import Unresolved
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.locations import state_folder
from runbook_checks.monitor.check_run import read_document, run_checks
from runbook_checks.monitor.identity import conflict
from runbook_checks.monitor.rounds import HISTORY, Round
from runbook_checks.monitor.schedule import Overlapped, locked

if TYPE_CHECKING:
    from runbook_checks.config.files import Files
    from runbook_checks.config.results_document import Document

DONE, TROUBLE, BAD, SKIPPED = 0, 1, 4, 75  # 75: EX_TEMPFAIL of sysexits.h
SHARE_OF_INTERVAL = 0.8


def main(arguments: list[str] | None = None) -> int:
    """Make one round; 0 done, 1 the monitor itself failed, 4 bad usage or file, 75 another round is still running."""
    options = _parser().parse_args(arguments)
    try:
        path = find_environment(options.environment)
        files = load(path)
    except (NoSuchEnvironment, BadFile) as bad:
        print(f"monitor: {bad}", file=sys.stderr)
        return BAD
    folder, unknown = _folder(options.state, files)
    folder /= files.environment.name
    wrong = "" if options.adopt else conflict(folder / HISTORY, path)
    if wrong:
        print(f"monitor: {wrong}", file=sys.stderr)
        return BAD
    try:
        with locked(folder) as without_lock:
            troubles = [each for each in (unknown, without_lock) if each]
            return _round(Round(files, path, folder, troubles=troubles, adopts=options.adopt), options.document)
    except Overlapped as overlapped:
        print(f"monitor: {files.environment.name}: {overlapped}")
        return SKIPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runbook-checks monitor", description=__doc__)
    parser.add_argument("environment", metavar="ENV", help="the environment, NAME or PATH")
    parser.add_argument("--state", metavar="FOLDER", help="the folder of the history (default: the environment's)")
    parser.add_argument("--document", metavar="FILE", help="read this results document instead of running checks")
    parser.add_argument(
        "--adopt", action="store_true", help="continue the history of another environment file with this name"
    )
    return parser


def _folder(named: str | None, files: Files) -> tuple[Path, str]:
    """The folder of the history; if its reference is unresolved, a place that cannot be written to, and the reason."""
    state = files.environment.monitoring and files.environment.monitoring.state
    if named or not state:
        return Path(named or os.environ.get("CHECKS_STATE") or state_folder() / "monitor"), ""
    try:
        return files.vault(Redaction()).path(state), ""
    except Unresolved as unresolved:
        return Path(os.devnull), f"monitoring.state: {unresolved}"


def _round(round_: Round, document: str | None) -> int:
    def get() -> Document:
        if document:
            return read_document(Path(document))
        rules = round_.rules
        limit_s, with_metrics = rules.every_min * 60 * SHARE_OF_INTERVAL, bool(rules.metrics or rules.push)
        path = round_.path.absolute()
        results, trouble = run_checks(path, rules.select, round_.folder, limit_s, with_metrics=with_metrics)
        round_.troubles += [trouble] if trouble else []
        return results

    code = round_.run(get)
    for line in round_.output:
        print(f"monitor: {line}")
    for line in round_.troubles:
        print(f"monitor: {line}", file=sys.stderr)
    return code
