"""python -m tests.mutation [--share 0.2] [--only TEXT] [--write]: changes that nobody would notice."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.harness import PROJECT
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.trying import Bench, Tried

SEED = 7
HEAD = """\
# Would anybody notice if a check were wrong?

Made by `python -m tests.mutation --write`; don't edit. A comparison, a condition or a limit in `checks/` is changed,
and the changed check asked about the healthy lab and every fault of its symptom. Where outcome, causes and severities
stay the same, the change has *survived*: no fault stands near enough to that line. Between `<` and `<=` only a value
that equals its limit tells, so these are counted apart.
"""


def main() -> int:
    given = _arguments()
    every = [mutant for path in sorted((PROJECT / "checks").glob("*.py")) for mutant in mutants(path)]
    fitting = [mutant for mutant in every if given.only in mutant.name]
    chosen = random.Random(SEED).sample(fitting, round(len(fitting) * given.share))  # noqa: S311  a choice, no secret
    print(f"{len(chosen)} of {len(every)} changes", flush=True)
    begun = time.monotonic()
    done = tried(chosen, given.jobs)
    killed = sum(one.seen_by is not None for one in done)
    print(f"{killed} of {len(done)} noticed, after {time.monotonic() - begun:.0f} s")
    if given.write:
        (PROJECT / "docs" / "mutation.md").write_text(_document(done, len(every)))
    return 0


def tried(chosen: list[Mutant], jobs: int) -> list[Tried]:
    """Each job has a copy of the project and labs of its own."""
    waiting = iter(sorted(chosen, key=lambda mutant: (mutant.module, mutant.start)))

    def job(number: int) -> list[Tried]:
        made = []
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runbook-checks-mutation-")))
            bench = Bench(folder, stack)
            for mutant in waiting:
                made.append(bench.tried(mutant))
                if made[-1].seen_by is None:
                    print(f"survived: {mutant.name}", flush=True)
        return made

    with ThreadPoolExecutor(jobs) as threads:
        return [one for part in threads.map(job, range(jobs)) for one in part]


def _document(done: list[Tried], of: int) -> str:
    grave = [one for one in done if not one.mutant.is_boundary]
    killed = sum(one.seen_by is not None for one in grave)
    told = f"{len(done)} of {of} possible changes were tried, {len(grave)} of them no mere shift of a boundary;"
    told += f"\n{killed} of these ({100 * killed / max(1, len(grave)):.0f} %) were noticed.\n"
    return "\n".join([HEAD, told, *_survivors("Survivors", grave), *_survivors("On the boundary", done, boundary=True)])


def _survivors(title: str, done: list[Tried], *, boundary: bool = False) -> list[str]:
    names = sorted(one.mutant.name for one in done if one.seen_by is None and one.mutant.is_boundary == boundary)
    return [f"## {title}\n", *(f"- `{name}`" for name in names), ""]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--share", type=float, default=1.0, metavar="N", help="try this share of the changes (1)")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose names hold this, as checks/webhook.py")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many at once (2)")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
