"""`ci/monitor ENV`: one round for one environment; a schedule calls it every few minutes."""

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
from runbook_checks.monitor.identity import conflict
from runbook_checks.monitor.looking import read_document, run_checks
from runbook_checks.monitor.rounds import HISTORY, Round
from runbook_checks.monitor.schedule import Overlapped, alone

if TYPE_CHECKING:
    from runbook_checks.config.files import Files
    from runbook_checks.config.results_document import Document

DONE, TROUBLE, BAD, STEPPED_ASIDE = 0, 1, 4, 75  # 75: EX_TEMPFAIL of sysexits.h
SHARE_OF_INTERVAL = 0.8


def main(arguments: list[str] | None = None) -> int:
    """One round; 0 done, 1 the monitor itself is in trouble, 4 bad usage or file, 75 another round is still at it."""
    asked = _parser().parse_args(arguments)
    try:
        path = find_environment(asked.environment)
        files = load(path)
    except (NoSuchEnvironment, BadFile) as bad:
        print(f"monitor: {bad}", file=sys.stderr)
        return BAD
    folder, unknown = _folder(asked.state, files)
    folder /= files.environment.name
    wrong = "" if asked.adopt else conflict(folder / HISTORY, path)
    if wrong:
        print(f"monitor: {wrong}", file=sys.stderr)
        return BAD
    try:
        with alone(folder) as without_lock:
            troubles = [each for each in (unknown, without_lock) if each]
            return _round(Round(files, path, folder, troubles=troubles, adopts=asked.adopt), asked.document)
    except Overlapped as overlapped:
        print(f"monitor: {files.environment.name}: {overlapped}")
        return STEPPED_ASIDE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runbook-checks monitor", description=__doc__)
    parser.add_argument("environment", metavar="ENV", help="the environment, NAME or PATH")
    parser.add_argument("--state", metavar="FOLDER", help="the folder to remember in (else as the environment says)")
    parser.add_argument("--document", metavar="FILE", help="take this results document in; run no checks")
    parser.add_argument(
        "--adopt", action="store_true", help="go on with what another environment file of this name left behind"
    )
    return parser


def _folder(named: str | None, files: Files) -> tuple[Path, str]:
    """The folder to remember in; where it can't be known, a place that nothing can be written to, and why."""
    said = files.environment.monitoring and files.environment.monitoring.state
    if named or not said:
        return Path(named or os.environ.get("CHECKS_STATE") or state_folder() / "monitor"), ""
    try:
        return files.vault(Redaction()).path(said), ""
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

    code = round_.go(get)
    for line in round_.said:
        print(f"monitor: {line}")
    for line in round_.troubles:
        print(f"monitor: {line}", file=sys.stderr)
    return code
