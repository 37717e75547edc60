"""python -m quality.mutation [--only TEXT] [--write]: change conditions of checks, and count the changes detected."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from quality.mutation import deeper, kept, page, states, trying
from quality.mutation.check_process import load_libraries
from quality.mutation.mutants import Mutant, mutants
from quality.mutation.start.begin import ENGINE
from runbook_checks_lab.systems import SYSTEMS
from tests.harness import PROJECT, started_lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quality.mutation.trying import Tried

BELOW = (f"{ENGINE}/probes", f"{ENGINE}/handles")


def main() -> int:
    given = _arguments()
    if given.render:
        (PROJECT / "docs" / "mutation.md").write_text(page.document())
        return 0
    paths = [path for folder in (BELOW if given.probes else ("checks",)) for path in (PROJECT / folder).rglob("*.py")]
    every = [mutant for path in sorted(paths) for mutant in mutants(path)]
    fitting = [mutant for mutant in every if given.only in mutant.name and given.function in mutant.where]
    if given.again:
        survivors = {key for module in kept.kept() for key in module.survivors}
        fitting = [mutant for mutant in fitting if mutant.key in survivors]
    count = min(given.probes or len(fitting), len(fitting))
    chosen = random.Random(given.seed).sample(fitting, count)  # noqa: S311  a choice, no secret
    print(f"{len(chosen)} of {len(every)} changes", flush=True)
    begun = time.monotonic()
    chosen.sort(key=lambda mutant: (mutant.path, mutant.start))
    done = (
        tried_below(chosen, 0 if given.again else given.lab_s, given.tests or ())
        if given.probes
        else tried(chosen, given.system or list(SYSTEMS))
    )
    killed = sum(one.seen_by is not None for one in done)
    print(f"{killed} of {len(done)} detected, after {time.monotonic() - begun:.0f} s")
    if given.write:
        if given.again:
            kept.keep_again(done)
        else:
            kept.keep(done, drawn=bool(given.probes and not given.only))
        (PROJECT / "docs" / "mutation.md").write_text(page.document())
    return 0


def tried(chosen: list[Mutant], systems: Sequence[str]) -> list[Tried]:
    made = []
    load_libraries()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runbook-checks-mutation-")))
        lab = stack.enter_context(started_lab(folder, *systems))
        rows = [row for row in states.rows() if row["system"] in systems]
        for path in sorted({mutant.path for mutant in chosen}):
            those = [row for row in rows if row["check"].startswith(f"{path}::")]
            if those:
                begun = time.monotonic()
                done = trying.tried(lab, folder, [mutant for mutant in chosen if mutant.path == path], those)
                _print_result(path, done, time.monotonic() - begun)
                made += done
    return made


def tried_below(chosen: list[Mutant], lab_s: float, tests: Sequence[str]) -> list[Tried]:
    """Try each change with the tests that run its line, then in the lab's states, for a limited time."""
    mapped = deeper.Tests(tests)
    load_libraries()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runbook-checks-mutation-")))
        lab = stack.enter_context(started_lab(folder, *SYSTEMS))
        begun = time.monotonic()
        done = deeper.tried(lab, folder, chosen, mapped, lab_s)
    for path in sorted({mutant.path for mutant in chosen}):
        _print_result(path, [one for one in done if one.mutant.path == path], time.monotonic() - begun)
    return done


def _print_result(path: str, done: list[Tried], seconds: float) -> None:
    print(f"{path}: {sum(one.seen_by is not None for one in done)} of {len(done)} detected, after {seconds:.0f} s")
    for one in done:
        mutant = one.mutant
        if one.seen_by is None:
            kind = "boundary shift" if mutant.is_boundary else "survived"
            print(f"  {kind}: {mutant.line} {mutant.where}: {mutant.change}   {mutant.text}   ({one.runs} runs)")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m quality.mutation", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--only", default="", metavar="TEXT", help="changes with this in the name: checks/webhook.py")
    parser.add_argument("--function", default="", metavar="NAME", help="changes in functions with this name")
    parser.add_argument("--system", action="append", choices=list(SYSTEMS), help="run checks of this system (all)")
    parser.add_argument("--probes", type=int, metavar="N", help="N changes to probes and handles instead")
    parser.add_argument("--seed", type=int, default=11, metavar="N", help="seed of the random choice of these N (11)")
    parser.add_argument("--lab-s", type=float, default=3600, metavar="S", help="seconds in the lab for these (3600)")
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="run only these test files (tests/probes)")
    parser.add_argument("--again", action="store_true", help="only earlier survivors, with the tests only")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.json and docs/mutation.md")
    parser.add_argument("--render", action="store_true", help="only write docs/mutation.md from docs/mutation.json")
    given = parser.parse_args()
    if given.write and (given.function or given.system or given.tests):
        parser.error("--write counts all changes to a module: leave out --function, --system and --tests")
    return given


if __name__ == "__main__":
    sys.exit(main())
