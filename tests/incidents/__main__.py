"""python -m tests.incidents: write docs/incidents.md."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness import started_lab
from tests.incidents.transcript import document

if TYPE_CHECKING:
    from tests.harness import LabClient

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "incidents.md"


def main() -> int:
    labs: dict[str, LabClient] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runbook-checks-incidents-")))

        def lab_of(system: str) -> LabClient:
            if system not in labs:
                (folder / system).mkdir()
                labs[system] = stack.enter_context(started_lab(folder / system, system))
            return labs[system]

        DOCUMENT.write_text(document(lab_of))
    return 0


if __name__ == "__main__":
    sys.exit(main())
