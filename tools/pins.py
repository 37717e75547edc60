"""Update the pinned packages of a checkout: the requirements with hashes, and the lock files for npm.

The files name packages and hashes but no host, so that they work behind any mirror.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = "lab/pyproject.toml"
WHEEL_TESTS = "tests/wheel/requirements.in"
TOOLS = (ROOT / "reports" / "allure", ROOT / "tests" / "ci" / "tools")
HEADER = "# Made by `make pins` from {source}; {what}.\n"
COMPILE = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
COMPILE += ["--no-config", "--upgrade", "--quiet"]


def pinned(uv: str, what: str, *words: str, source: str = "pyproject.toml", wanted: str = "") -> str:
    command = [uv, "pip", "compile", *COMPILE, *words]
    found = subprocess.run(command, check=False, cwd=ROOT, input=wanted, capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(f"pins: uv found no set of packages that fits:\n{found.stderr.strip()}")
    return HEADER.format(source=source, what=what) + found.stdout


def renew_requirements(uv: str) -> None:
    lab_extras = tomllib.loads((ROOT / LAB).read_text())["project"]["optional-dependencies"]
    everything = ROOT / "requirements-dev.txt"
    everything.write_text(
        pinned(uv, "what the lab, the tests and the tools need as well", "--extra", "dev", "pyproject.toml", LAB)
    )
    same = ("--constraints", everything.name)
    (ROOT / "requirements.txt").write_text(
        pinned(uv, "what a machine needs that only runs the checks", *same, "pyproject.toml")
    )
    postgres = ROOT / "requirements-postgres.txt"
    postgres.write_text(pinned(uv, "the lab's PostgreSQL", *same, "-", wanted="\n".join(lab_extras["postgres"])))
    beside, words = "what the tests of the wheels install beside them", [*same, "--constraints", postgres.name]
    (ROOT / WHEEL_TESTS).with_suffix(".txt").write_text(
        pinned(uv, beside, *words, WHEEL_TESTS, source="requirements.in")
    )


def renew_lock(npm: str, folder: Path) -> None:
    """Without the addresses that npm writes for each package: the registry is the machine's business."""
    command = [npm, "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run([*command, "--omit-lockfile-registry-resolved"], cwd=folder, check=True)
    lock = folder / "package-lock.json"
    text = json.loads(lock.read_text())
    for package in text["packages"].values():
        for key in ("funding", "resolved", "deprecated"):
            package.pop(key, None)
    lock.write_text(json.dumps(text, indent=1) + "\n")


def main() -> None:
    # A find-links or an extra index of this machine would end up in the files.
    for name in [name for name in os.environ if name.startswith(("UV_FIND", "UV_EXTRA", "PIP_"))]:
        del os.environ[name]
    uv, npm = shutil.which("uv"), shutil.which("npm")
    if uv is None:
        sys.exit("pins: needs uv on PATH (https://docs.astral.sh/uv)")
    renew_requirements(uv)
    if npm is None:
        print("pins: npm is not on PATH; the package-lock.json files stay as they are")
        return
    for folder in TOOLS:
        renew_lock(npm, folder)


if __name__ == "__main__":
    main()
