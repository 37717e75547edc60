"""What does `python -m lab` do?"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from lab import registry
from lab.systems import SYSTEMS

BAD_USAGE = 4


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    if options.list:
        _list(options.list)
        return 0
    systems = list(dict.fromkeys(options.system)) or list(SYSTEMS)
    try:
        faults = [registry.find_fault(name, systems) for name in options.fault]
    except registry.UnknownName as unknown:
        print(f"lab: {unknown}", file=sys.stderr)
        return BAD_USAGE
    return _run(systems, faults, options.state)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        print(f"lab: {message}", file=sys.stderr)
        raise SystemExit(BAD_USAGE)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m lab", description="Run the stand-in systems; Ctrl-C stops them.")
    parser.add_argument("--fault", action="append", default=[], metavar="SYMPTOM:CAUSE[@SYSTEM]", help="break it so")
    parser.add_argument("--system", action="append", default=[], choices=list(SYSTEMS), help="only this one")
    parser.add_argument("--list", nargs="?", const="text", choices=["text", "json"], help="print the faults")
    parser.add_argument("--state", type=Path, metavar="FILE", help="tell a parent process where everything is")
    return parser.parse_args(arguments)


def _list(form: str) -> None:
    rows = registry.listing()
    if form == "json":
        import json

        print(json.dumps(rows))
    else:
        print("\n".join(f"{row['fault']}  ({', '.join(row['systems'])})" for row in rows))


def _run(systems: list[str], faults: list[registry.Change], state: Path | None) -> int:
    import asyncio

    from lab.running import run

    # FastAPI keeps pydantic from warning of FastAPI's own fields, but not while another thread does the same.
    warnings.filterwarnings("ignore", message="The 'alias' attribute")
    try:
        asyncio.run(run(systems, faults, state))
    except OSError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
