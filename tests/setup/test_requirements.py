"""The packages are pinned and hashed, without the address of a package index."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FILES = ["requirements.txt", "requirements-dev.txt", "requirements-postgres.txt", "tests/wheel/requirements.txt"]
RENEW = "run `make pins`"


def pins(name: str) -> dict[str, str]:
    """Package -> version."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = re.match(r"([a-z0-9-]+)==(\S+)(.*)", line)
        assert match, f"{name}: not a pinned package: {line[:80]!r}; {RENEW}"
        found[match[1]] = match[2]
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}(?= |$)", line)
        assert hashes, f"{name}: {match[1]} has no hash; {RENEW}"
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    assert len(pins(name)) > 3


@pytest.mark.parametrize("name", FILES)
def test_no_host_and_no_folder_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE), f"{name} has an option of pip; {RENEW}"


def test_pins_satisfy_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lab = tomllib.loads((ROOT / "lab" / "pyproject.toml").read_text())["project"]
    asked = {
        "requirements.txt": project["dependencies"],
        "requirements-dev.txt": [
            *project["dependencies"],
            *lab["dependencies"],
            *project["optional-dependencies"]["dev"],
        ],
        "requirements-postgres.txt": lab["optional-dependencies"]["postgres"],
    }
    for name, wanted in asked.items():
        have = pins(name)
        for requirement in map(Requirement, wanted):
            if requirement.name == project["name"]:
                continue
            version = have.get(requirement.name.lower(), "none")
            assert requirement.specifier.contains(version), f"{name} has {version} of {requirement}; {RENEW}"


def test_requirements_files_agree() -> None:
    everything = pins("requirements-dev.txt")
    for name in FILES:
        for package, version in pins(name).items():
            assert everything.get(package, version) == version, f"{package} in {name}; {RENEW}"


@pytest.mark.parametrize("folder", ["reports/allure", "tests/ci/tools"])
def test_npm_locks_have_hashes_and_no_host(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "://" not in json.dumps(packages)
