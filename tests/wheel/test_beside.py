"""Other installed packages are not affected: a team's own pytest, and PyPI's package `fixtures`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.wheel import SLOW
from tests.wheel.conftest import PYTESTS_OWN, fixtures_of_pypi, pytests_own

if TYPE_CHECKING:
    from tests.wheel.environments import User, Venv

pytestmark = SLOW


def test_pytest_shows_no_option_fixture_hook_or_plugin_of_the_product(venv: Venv) -> None:
    before = json.loads((venv.folder / "before.json").read_text())["pytest"]
    after = pytests_own(venv, venv.folder / "empty")
    assert after == before
    assert len(after) == len(PYTESTS_OWN)
    assert "xdist" in after["--help"], "plugins of other packages are loaded"
    assert "PLUGIN registered" in after["--trace-config --collect-only"]


def test_package_fixtures_of_pypi_is_unchanged(venv: Venv, user: User) -> None:
    before = json.loads((venv.folder / "before.json").read_text())["fixtures"]
    assert "fixtures/__init__.py" in before
    assert fixtures_of_pypi(venv) == before
    done = user.run(venv.program("python"), "-c", "import fixtures; print(fixtures.TempDir.__module__)")
    assert done.stdout == "fixtures._fixtures.tempdir\n", done.stderr
