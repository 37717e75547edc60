"""Can a program that was unpacked without root start: is all of it unpacked, are its libraries found?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import lab.toolbox
import probes.browser
from ci.toolbox import PARTS, Apt

PLACES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")
TOLD = "\n".join(f"'file:/x' {name}_1.0-1_amd64.deb 1 SHA256:0" for name in ("libc6", "libdbus-1-3", "chromium"))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toolbox with Chromium, and a machine without."""
    program = tmp_path / "chromium" / "usr" / "lib" / "chromium" / "chromium"
    for place in PLACES:
        (tmp_path / "chromium" / place).mkdir(parents=True)
        (tmp_path / "chromium" / place / "libx.so.1").touch()
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr("lab.toolbox.TOOLBOX", tmp_path)
    monkeypatch.setattr("probes.browser.TOOLBOX", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return tmp_path


def test_libraries_of_both_places_are_found(box: Path) -> None:
    folders = {str(box / "chromium" / place) for place in PLACES}
    for environment in (lab.toolbox.libraries(lab.toolbox.find("chromium")), probes.browser.find().environment):
        assert folders <= set(environment["LD_LIBRARY_PATH"].split(os.pathsep))


def test_the_data_that_must_lie_beside_chromium_is_unpacked_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's C library would not fit the machine's loader."""
    (part,) = (part for part in PARTS if part.name == "chromium")
    apt = Apt.__new__(Apt)
    apt.options = []
    monkeypatch.setattr(apt, "run", lambda *_: TOLD)
    assert apt._wanted(part) == ["chromium", "chromium-common", "libdbus-1-3"]
