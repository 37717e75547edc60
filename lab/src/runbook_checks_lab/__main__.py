"""The command `python -m runbook_checks_lab`."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import warnings
from pathlib import Path

from runbook_checks_lab import registry
from runbook_checks_lab.systems import SYSTEMS

TROUBLE, BAD_USAGE = 3, 4


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
    parser = Parser(prog=f"python -m {__package__}", description="Run the stand-in systems; Ctrl-C stops them.")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="SYMPTOM:CAUSE[@SYSTEM]", help="apply this fault"
    )
    parser.add_argument("--system", action="append", default=[], choices=list(SYSTEMS), help="run only this system")
    parser.add_argument("--list", nargs="?", const="text", choices=["text", "json"], help="print the faults")
    parser.add_argument("--state", type=Path, metavar="FILE", help="write addresses for the parent process")
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

    from runbook_checks_lab.running import run

    # FastAPI prevents pydantic's warning about FastAPI's own fields, but not while another thread does the same.
    warnings.filterwarnings("ignore", message="The 'alias' attribute")
    try:
        asyncio.run(run(systems, faults, state))
    except OSError as error:
        print(f"lab: {error}", file=sys.stderr)
        return TROUBLE
    return 0


def _ended() -> int:
    """Return the exit code. A reader that closes the pipe early (`| head`) is not an error."""
    if sys.stdout is None:  # closed: otherwise the next file opened becomes the standard output
        sys.stdout = open(os.open(os.devnull, os.O_WRONLY), "w")  # noqa: SIM115 - it stays open
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = main()
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for the output that is still to be flushed
        print(f"lab: cannot write to standard output: {error.strerror}", file=sys.stderr)
        code = 0 if error.errno == errno.EPIPE else TROUBLE
    return code


if __name__ == "__main__":
    sys.exit(_ended())
