"""An installed wheel works for an unprivileged user, a user without a home, and in a team's repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ci import team
from tests.wheel import SLOW
from tests.wheel.bookshop import VERSION, Bookshop
from tests.wheel.conftest import public_folder
from tests.wheel.environments import BASE_PYTHON, NO_PROGRAMS, User, Venv, pip_install
from tests.wheel.sources import ENGINE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = SLOW
UNPRIVILEGED = 65534
NAMELESS = 64321  # no entry in /etc/passwd, as in a container that runs under an arbitrary number
SAME_PYTHON = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
WORDS = ("--env", "example/staging.yaml", "--expect-version", VERSION)


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    with public_folder("wheel-users-") as folder:
        yield folder


@pytest.fixture(scope="module")
def public_venv(open_folder: Path, wheels: dict[str, Path]) -> Venv:
    """An environment that every user can run and only root can change; skipped if Python itself is private."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    usable = [path for path in (sys.executable, "/usr/bin/python3") if _runs(path, SAME_PYTHON)]
    if not usable:
        pytest.skip("only root can run this Python")
    venv = Venv.made(open_folder / "venv", usable[0])
    venv.install(str(wheels[ENGINE.name]))
    return venv


def _runs(python: str, code: str) -> bool:
    command = [python, "-I", "-c", f"{code}"]
    try:
        done = subprocess.run(
            command, user=UNPRIVILEGED, group=UNPRIVILEGED, extra_groups=[], check=False, env={"PATH": ""}
        )
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.parametrize("uid", [UNPRIVILEGED, NAMELESS], ids=["unprivileged", "nameless"])
def test_user_other_than_the_installer_runs_the_command(
    uid: int, public_venv: Venv, open_folder: Path, shop: Bookshop
) -> None:
    user = User(public_venv, open_folder / str(uid), uid=uid)
    shop.example(user.work / "example")
    owned_by(uid, user.folder)
    done = user.checks(*WORDS, **shop.variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout
    assert (user.work / "reports" / "out" / "latest" / "results.json").is_file()
    assert (user.cache / "runbooks").stat().st_uid == uid


def test_user_without_a_home(public_venv: Venv, open_folder: Path, shop: Bookshop) -> None:
    """There is no folder for caches, and none for the monitor's history, which is reported."""
    user = User(public_venv, open_folder / "homeless", uid=NAMELESS, has_home=False)
    shop.example(user.work / "example")
    owned_by(NAMELESS, user.folder)
    done = user.checks(*WORDS, **shop.variables)
    assert (done.returncode, "warning" in done.stdout) == (0, False), done.stdout + done.stderr
    watched = user.checks("monitor", "example/staging.yaml", **shop.variables)
    assert watched.returncode == 1, watched.stdout + watched.stderr
    assert "monitor: the history cannot be written" in watched.stderr
    assert {path.name for path in user.folder.rglob("*")} >= {"results.json"}
    assert not user.cache.exists()


def owned_by(uid: int, folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid)


@pytest.mark.parametrize("are_set", [False, True], ids=["plain", "with variables"])
def test_no_module_of_a_hostile_repository_is_imported(
    are_set: bool, venv: Venv, tmp_path: Path, shop: Bookshop
) -> None:
    """Modules named like those of Python and of the product are in the working directory."""
    user = User(venv, tmp_path / "user")
    user.work.rmdir()
    team.made(user.work)
    staging = str(shop.example(tmp_path / "example"))
    more = dict(shop.variables)
    if are_set:
        team.without_what_comes_before_us(user.work)
        more |= team.variables(user.work)
        del more["PYTHONOPTIMIZE"]  # with it Python itself writes additional bytecode files
    expected = ("--expect-version", VERSION)
    ran = user.checks("--env", staging, *expected, "-n", "2", **more)
    gated = user.checks("gate", "postdeploy", staging, *expected, **more)
    watched = user.checks("monitor", staging, **more)
    codes = (ran.returncode, gated.returncode, watched.returncode)
    assert codes == (0, 0, 0), ran.stderr + gated.stdout + gated.stderr + watched.stderr
    assert "bookshop-staging" in {path.name for path in (user.state / "monitor").iterdir()}


def test_user_site_packages(wheels: dict[str, Path], tmp_path: Path, shop: Bookshop) -> None:
    """`pip install --user`: an isolated Python, as with PYTHONPATH set, does not search there by itself."""
    home = {"HOME": str(tmp_path / "home")}
    pip_install(BASE_PYTHON, "--user", "--break-system-packages", str(wheels[ENGINE.name]), **home)
    staging, program = str(shop.example(tmp_path / "example")), str(tmp_path / "home" / ".local/bin/runbook-checks")
    for words, more in (
        (("--env", staging, "-n", "2"), {}),
        (("gate", "postdeploy", staging), {}),
        (("gate", "postdeploy", staging), {"PYTHONPATH": NO_PROGRAMS}),
        (("monitor", staging), {"PYTHONPATH": NO_PROGRAMS}),
    ):
        env = {"PATH": NO_PROGRAMS} | home | shop.variables | more
        done = subprocess.run([program, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
