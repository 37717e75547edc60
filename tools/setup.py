"""Make .venv the first time, and when what it is made from has changed; do nothing after that."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up.json"  # written last: without it .venv is half made
NAMES = ("python3", "python3.13", "python3.12", "python3.11")
NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"
MAKES_VENVS = "import venv; from ensurepip import bootstrap; " + NEW_ENOUGH
REQUIREMENTS = "requirements-dev.txt"
POSTGRES = "requirements-postgres.txt"
# Settings of the caller that would put packages elsewhere, or want hashes of our own folder.
MISLEADING = {"PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"}
MISLEADING |= {
    "PIP_REQUIRE_HASHES",
    "UV_REQUIRE_HASHES",
    "UV_SYSTEM_PYTHON",
    "UV_PYTHON",
    "UV_TARGET",
    "UV_PREFIX",
}


def can(python: str, code: str) -> bool:
    """Whether a Python runs this code: a name on PATH may be a pyenv shim without an installed version."""
    try:
        subprocess.check_output([python, "-I", "-c", code], stderr=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def first_that(code: str) -> str | None:
    paths = [path for path in map(shutil.which, NAMES) if path]
    return next((path for path in paths if can(path, code)), None)


class SetUpError(Exception):
    """Set-up can't go on; the text says why, and what to do."""


def say(text: str) -> None:
    print("set-up:", text, file=sys.stderr, flush=True)


# --- the two ways to install: uv where it is on PATH, else venv and pip


def run(command: list[str]) -> None:
    env = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    env.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    # close_fds: the installer inherits the lock, which is so held until it ends even if we are killed.
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        close_fds=False,
    )
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()
        # pip says each of its five attempts to reach an index; the last one is enough.
        said = [line for line in lines if "Retrying (Retry(" not in line or "(total=0" in line]
        raise SetUpError("\n  ".join(said[-12:]))


def base_python(code: str) -> str:
    """The Python to make .venv of: this one (not a virtual environment of it), else another that can."""
    own = str(getattr(sys, "_base_executable", None) or sys.executable)
    python = own if can(own, code) else first_that(code)
    if python is None:
        raise SetUpError(
            f"python3 can't make virtual environments: install python{sys.version_info[0]}.{sys.version_info[1]}-venv "
            "(Debian and Ubuntu keep it apart from Python itself), or uv."
        )
    return python


def create(tool: str) -> None:
    if VENV.exists():
        shutil.rmtree(VENV)
    if tool == "uv":
        run(["uv", "venv", "--quiet", "--python", base_python(NEW_ENOUGH), VENV.name])
    else:
        run([base_python(MAKES_VENVS), "-I", "-m", "venv", VENV.name])


def install(tool: str) -> None:
    with_uv = ["uv", "pip", "install", "--quiet", "--python", ".venv/bin/python"]
    with_pip = [".venv/bin/python", "-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-compile"]
    command = with_uv if tool == "uv" else with_pip
    if tool == "pip" and not (VENV / "bin" / "pip").exists():  # uv made .venv, and is gone
        run([".venv/bin/python", "-I", "-m", "ensurepip", "--default-pip"])
    try:
        run([*command, "--require-hashes", "--requirement", REQUIREMENTS])
    except SetUpError as trouble:
        raise SetUpError(f"{trouble}\n  The package index must be within reach this first time.") from None
    try:
        run([*command, "--require-hashes", "--requirement", POSTGRES])
    except SetUpError as trouble:
        reason = str(trouble).splitlines()[-1].strip()
        say(f"no PostgreSQL from the package index, so the lab uses the machine's own, if any: {reason}")
    run([*command, "--no-deps", "--no-build-isolation", "--editable", ".", "--editable", "./lab"])
    tell_python_where()
    tell_pytest_where()


def tell_python_where() -> None:
    """Relative, since Python 3.11 can't read an absolute path with letters that the locale doesn't have."""
    for file in VENV.glob("lib/*/site-packages/*.pth"):
        place = Path(file.read_text(encoding="utf-8").strip())
        if place in (ROOT / "src", ROOT / "lab" / "src"):
            file.write_text(os.path.relpath(place, file.parent) + "\n", encoding="utf-8")


def tell_pytest_where() -> None:
    """A plugin for this clone alone, so that `pytest --env PATH` finds it; the package itself gives pytest none."""
    for folder in VENV.glob("lib/python*/site-packages"):
        place = folder / "runbook_checks_clone-0.dist-info"
        place.mkdir(exist_ok=True)
        (place / "METADATA").write_text("Metadata-Version: 2.1\nName: runbook-checks-clone\nVersion: 0\n")
        (place / "entry_points.txt").write_text("[pytest11]\nrunbook-checks-clone = runbook_checks.cli.clone\n")


def compile_everything() -> None:
    """Bytecode beforehand, on all processors: without it the first start takes twice as long."""
    own = ["src", "lab/src", *(str(path.parent.relative_to(ROOT)) for path in sorted(ROOT.glob("*/__init__.py")))]
    with contextlib.suppress(SetUpError):  # some packages carry files for other versions of Python
        run([".venv/bin/python", "-I", "-m", "compileall", "-q", "-j", "0", ".venv/lib", *own])


# --- once: the stamp says what a finished .venv was made from


def digest() -> str:
    files = [ROOT / name for name in ("pyproject.toml", "lab/pyproject.toml", REQUIREMENTS, POSTGRES)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def wanted() -> dict[str, str]:
    """A virtual environment survives neither being moved nor its Python being replaced."""
    return {"place": str(ROOT), "python": os.path.realpath(PYTHON), "files": digest()}


def stamped() -> dict[str, str]:
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and os.access(PYTHON, os.X_OK) else {}


def make_ready() -> None:
    if not os.access(ROOT, os.W_OK):
        raise SetUpError(f"{ROOT} is not yours to write in: set up as its owner, or clone it for yourself.")
    before = stamped()
    anew = {**before, "files": ""} != {**wanted(), "files": ""}
    troubles = []
    for tool in ["uv", "pip"] if shutil.which("uv") else ["pip"]:
        say(f"{'filling' if anew else 'updating'} .venv with {tool}; only this once.")
        try:
            if anew:
                create(tool)
            STAMP.unlink(missing_ok=True)
            install(tool)
        except SetUpError as trouble:
            troubles.append(f"with {tool}: {trouble}")
            continue
        compile_everything()
        STAMP.write_text(json.dumps(wanted()), encoding="utf-8")
        return
    if not anew:  # an installer that gives up leaves what was there
        STAMP.write_text(json.dumps(before), encoding="utf-8")
    raise SetUpError("\n".join(troubles))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time; a second one waits."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up in this folder to end.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def set_up() -> None:
    started = time.monotonic()
    if stamped() == wanted():
        return
    with alone():
        if stamped() != wanted():
            make_ready()
            say(f"ready after {time.monotonic() - started:.0f} s.")


def fill_toolbox() -> None:
    """Programs of the lab that are no Python packages; without them the lab goes on, and says what it lacks."""
    subprocess.call([str(PYTHON), "-m", "tools.toolbox"], cwd=str(ROOT), stdin=subprocess.DEVNULL)


def main() -> int:
    try:
        set_up()
        fill_toolbox()
    except PermissionError as error:
        say(f"no permission for {error.filename}: remove .venv as the user who made it.")
        return 1
    except (SetUpError, OSError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; the next time starts afresh.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
