"""A program that was unpacked without root can start: it is complete, and its libraries are found."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import runbook_checks.probes.web.chromium
import runbook_checks_lab.toolbox
import tools.toolbox
from tools.toolbox import PARTS, Apt, Part

PLACES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")
TOLD = "\n".join(f"'file:/x' {name}_1.0-1_amd64.deb 1 SHA256:0" for name in ("libc6", "libdbus-1-3", "chromium"))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toolbox with Chromium, on a machine without it."""
    program = tmp_path / "chromium" / "usr" / "lib" / "chromium" / "chromium"
    for place in PLACES:
        (tmp_path / "chromium" / place).mkdir(parents=True)
        (tmp_path / "chromium" / place / "libx.so.1").touch()
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr("runbook_checks_lab.toolbox.TOOLBOX", tmp_path)
    monkeypatch.setattr("runbook_checks.probes.web.chromium.TOOLBOX", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return tmp_path


def test_libraries_of_both_places_are_found(box: Path) -> None:
    folders = {str(box / "chromium" / place) for place in PLACES}
    for environment in (
        runbook_checks_lab.toolbox.libraries(runbook_checks_lab.toolbox.find("chromium")),
        runbook_checks.probes.web.chromium.find().environment,
    ):
        assert folders <= set(environment["LD_LIBRARY_PATH"].split(os.pathsep))


def test_data_files_of_chromium_are_unpacked_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another C library would not fit the machine's loader."""
    (part,) = (part for part in PARTS if part.name == "chromium")
    apt = Apt.__new__(Apt)
    apt.options = []
    monkeypatch.setattr(apt, "run", lambda *_: TOLD)
    assert apt._wanted(part) == ["chromium", "chromium-common", "libdbus-1-3"]


APT = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
env > "$(dirname "$0")/environment"
test ! -e "$(dirname "$0")/offline" || { echo "E: no route to the registry" >&2; exit 100; }
case "$*" in *download*) : > tool_2_all.deb ;; esac
"""
DPKG = """#!/bin/sh
mkdir -p "$3" && echo new > "$3/tool"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose apt has a newer tool, and a toolbox with one that was unpacked 31 days ago."""
    for name, text in (("apt-get", APT), ("dpkg", DPKG)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    place = tmp_path / "toolbox" / "tool"
    place.mkdir(parents=True)
    (place / "tool").write_text("old")
    (place / tools.toolbox.DONE).write_text('["tool"]')
    aged(place, 31)
    monkeypatch.setattr("tools.toolbox.TOOLBOX", tmp_path / "toolbox")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def aged(place: Path, days: float) -> None:
    at = time.time() - days * 86400
    os.utime(place / tools.toolbox.DONE, (at, at))


TOOL = [Part("tool", "tool", ("tool",))]


def test_part_older_than_a_month_is_fetched_again(
    machine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_TOKEN", "s3cret")
    assert tools.toolbox.make_ready(TOOL) == {}
    assert (machine / "toolbox" / "tool" / "tool").read_text() == "new\n"
    assert "renewing tool, more than 30 days old" in capsys.readouterr().err
    assert "s3cret" not in (machine / "environment").read_text()
    (machine / "asked").unlink()
    assert tools.toolbox.make_ready(TOOL) == {}
    assert not (machine / "asked").exists(), "it is now new"


def test_old_part_is_used_with_a_note_without_a_registry(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (machine / "offline").touch()
    assert tools.toolbox.make_ready(TOOL) == {}
    assert (machine / "toolbox" / "tool" / "tool").read_text() == "old"
    assert "tool can't be renewed, so the one of 31 days ago is used: " in capsys.readouterr().err


def test_recent_part_is_left_alone(machine: Path) -> None:
    aged(machine / "toolbox" / "tool", 29)
    assert tools.toolbox.make_ready(TOOL) == {}
    assert not (machine / "asked").exists()
