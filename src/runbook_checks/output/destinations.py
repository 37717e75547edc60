"""The outputs of a run: its folder and the files named by options, tested before any check runs."""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from runbook_checks.locations import output_folder
from runbook_checks.output import files as outputs
from runbook_checks.output import streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runbook_checks.config.run import Run

PRINTED = pytest.StashKey[TextIO]()
"""The stream for what a run prints: standard output, or standard error where a file that it writes is that."""
RUN_FOLDER = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
KEPT_RUNS = 100
NAMED = {"results": "--results", "markdown": "--markdown", "metrics": "--metrics", "xmlpath": "--junitxml"}
IN_FOLDER = {"--results": "results.json", "--markdown": "summary.md", "--junitxml": "junit.xml"}
PYTESTS_OWN = {"log_file": "--log-file", "debug": "--debug"}  # which pytest opens itself, at its start
_ALLURES = re.compile(
    r".*-(result|container)\.json|.*-attachment\.\w+|environment\.properties|(categories|resolutions|executor)\.json"
)
_OPENED_AT_ONCE = (stat.S_IFREG, stat.S_IFCHR)


def named_files(config: pytest.Config) -> dict[str, Path]:
    """Each option that names a file to write, with where that is."""
    return dict(_named(NAMED, config.option, config.invocation_params.dir))


def _named(options: dict[str, str], given: Any, here: Path) -> Iterator[tuple[str, Path]]:
    for option, flag in options.items():
        path = getattr(given, option, None)
        if path:
            # As pytest does it for --junitxml.
            yield flag, here / (os.path.expanduser(os.path.expandvars(path)) if option == "xmlpath" else path)


def require_pytests_own(config: pytest.Config) -> None:
    """Refuse what pytest would wait for or fall over: it opens these with no more ado."""
    here, ini = config.invocation_params.dir, config.getini("log_file")
    settings = [("log_file", here / ini)] if ini else []
    for flag, path in [*_named(PYTESTS_OWN, config.known_args_namespace, here), *settings]:
        with _refusing(flag, path):
            outputs.require(path)
            place = outputs.lead(path)
            if place.found and place.kind not in _OPENED_AT_ONCE:
                raise OSError(0, "it is no regular file")


def require_writable(config: pytest.Config, named: dict[str, Path], read: Iterable[Path]) -> None:
    """Refuse a file that can't be written, or that is `read`, before any check ran, not after."""
    _refuse_no_name(config.option)
    inputs = {outputs.identity(path) for path in read} - {None}
    for flag, path in named.items():
        with _refusing(flag, path):
            outputs.require(path)
            place = outputs.lead(path)
            if place.is_replaced and outputs.identity(path) in inputs:
                raise OSError(0, "this run reads it")
            if place.descriptor in streams.LOST:
                raise OSError(0, streams.LOST[place.descriptor])
    own = dict(_named(PYTESTS_OWN, config.option, config.invocation_params.dir))
    _refuse_one_file_for_two({**named, **own})


def _refuse_no_name(given: Any) -> None:
    for option, flag in NAMED.items():
        named = getattr(given, option, None)
        if named == "" or (named or "").endswith("/"):
            raise pytest.UsageError(f"{flag}={named}: names no file; give a file's name, or leave the option out")


def _refuse_one_file_for_two(named: dict[str, Path]) -> None:
    seen: dict[object, str] = {}
    for flag, path in named.items():
        identity = outputs.identity(path)
        # A file that is put in the place of the one that takes what is printed would take that away.
        taken = seen | (_printed() if outputs.lead(path).is_replaced else {})
        if identity in taken:
            raise pytest.UsageError(f"{flag} {path} can't be written: {taken[identity]} is written there")
        if identity is not None:
            seen[identity] = flag


def _printed() -> dict[object, str]:
    streams = {1: "standard output", 2: "standard error"}
    return {outputs.identity(Path(f"/dev/fd/{number}")): name for number, name in streams.items()}


def require_folder(config: pytest.Config) -> None:
    """The same for a folder that Allure's files were wanted in."""
    named = config.option.allure_report_dir
    if named:
        path = config.invocation_params.dir / named
        with _refusing("--alluredir", path):
            path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=path).close()
            if config.option.clean_alluredir and not all(_ALLURES.fullmatch(child.name) for child in path.iterdir()):
                raise OSError(0, "--clean-alluredir would remove other files than Allure's")


@contextmanager
def _refusing(flag: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise pytest.UsageError(f"{flag} {path} can't be written: {error.strerror}") from None


def takes_standard_output(named: dict[str, Path]) -> bool:
    """Whether one of these is standard output: then nothing else goes there, so that it can be read as it is."""
    return any(_is_standard_output(path) for path in named.values())


def _is_standard_output(path: Path) -> bool:
    try:
        return outputs.lead(path).descriptor == 1
    except OSError:  # require_writable refuses it, with a sentence
        return False


def terminal(config: pytest.Config) -> TextIO:
    """The stream for what pytest prints, which --paste throws away."""
    option = config.option
    config.stash[PRINTED] = sys.stderr if takes_standard_output(named_files(config)) else sys.stdout
    is_silent = getattr(option, "paste", False) and not (option.help or option.collectonly)
    return io.StringIO() if is_silent else config.stash[PRINTED]


def named_folder(config: pytest.Config) -> str | None:
    """The folder that somebody wants a run's own folder in."""
    return config.option.out or os.environ.get("CHECKS_OUT")


def own_folder(config: pytest.Config, run: Run) -> Path | None:
    """The run's own folder, made; without one the run goes on, and says so."""
    named = named_folder(config)
    base = config.invocation_params.dir / named if named else output_folder(run.files.suite)
    folder = base / run.id
    try:
        is_new = not named and not base.exists()
        base.mkdir(parents=True, exist_ok=True)
        if is_new:
            (base / ".gitignore").write_text("*\n")  # results are not committed
        folder.mkdir()
    except OSError as error:
        run.notes.append(f"no reports folder: {base} can't be written: {error.strerror} (--out FOLDER names another)")
        return None
    return folder


def as_typed(path: Path) -> str:
    """A path as a person here would type it."""
    with suppress(ValueError, OSError):  # the working directory may be gone
        here = Path.cwd()
        return str(path if here == Path(here.anchor) else path.relative_to(here))
    return str(path)


def point_latest(folder: Path) -> None:
    """reports/out/latest, moved over in one step: two runs at once leave one of them, never none."""
    link = folder.parent / "latest"
    spare = folder.parent / f".latest-{folder.name}"
    if os.path.lexists(link) and not link.is_symlink():
        return  # somebody else's
    with suppress(OSError):
        spare.symlink_to(folder.name, target_is_directory=True)
        spare.replace(link)


def forget_old_runs(base: Path) -> None:
    """A run every minute would fill the disk; only folders named as ours are touched."""
    runs: list[Path] = []
    with suppress(OSError):
        runs = sorted(path for path in base.iterdir() if RUN_FOLDER.fullmatch(path.name))
    for old in runs[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
