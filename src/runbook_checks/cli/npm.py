"""Install tools from npm into the tools folder, once, pinned with hashes by a lock file."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runbook_checks.config.untrusted_text import printable
from runbook_checks.output.destinations import as_typed
from runbook_checks.probes.core.child_environment import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLDEST_NODE = 20


class ToolError(Exception):
    """A tool cannot be used; the text says why and what to do."""


def find_node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = " or ".join(name for name, path in [("node", node), ("npm", npm)] if path is None)
        raise ToolError(
            f"the report needs Node {OLDEST_NODE} or newer and npm, and {missing} is not on PATH. "
            "The results are in reports/out/latest; everything else works without Node."
        )
    done = subprocess.run([node, "--version"], check=False, capture_output=True, text=True, env=clean())
    version = done.stdout.strip()
    major = re.match(r"v(\d+)", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise ToolError(f"the report needs Node {OLDEST_NODE} or newer, and node here is {version or 'not working'}.")
    return node


def get(lock: Path, to: Path, what: str) -> None:
    """Install into a temporary folder and rename it, so that an interrupted download leaves nothing incomplete."""
    wanted = (lock / "package-lock.json").read_bytes()
    to.parent.mkdir(parents=True, exist_ok=True)
    with _alone(to.parent):
        have = to / "package-lock.json"
        if have.exists() and have.read_bytes() == wanted:
            return
        print(f"{what}: installing from npm into {as_typed(to.parent)}, only this once.", file=sys.stderr, flush=True)
        beside = to.with_name(f"{to.name}.tmp")
        for folder in (beside, to):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(lock, beside)
        _install(beside, what)
        beside.rename(to)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process install at a time; the installer inherits the lock and holds it until it ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _install(folder: Path, what: str) -> None:
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    # By default npm waits two and a half minutes for an unreachable registry.
    quick = ["--prefer-offline", "--fetch-retries", "1", "--fetch-retry-mintimeout", "1000"]
    command = ["npm", "ci", *quiet, *quick]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, close_fds=False, env=clean(**_for_npm())
    )
    if done.returncode != 0:
        raise ToolError(f"npm could not install {what}; its registry must be reachable this once.{end_of(done)}")


def _for_npm() -> dict[str, str]:
    """The variables with npm's settings and its access to the registry."""
    names = ("http_proxy", "https_proxy", "no_proxy", "node_extra_ca_certs")
    return {n: v for n, v in os.environ.items() if n.lower() in names or n.lower().startswith("npm_config_")}


def end_of(done: subprocess.CompletedProcess[str]) -> str:
    """The last lines of a tool's output, indented."""
    return printable("".join(f"\n  {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-6:]))
