"""A small project that tools/setup.py really sets up, without a package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "small"
version = "1"
"""
# The calls that an editable install makes to a build backend (PEP 660).
BACKEND = """\
import pathlib, zipfile

def build_editable(folder, settings=None, metadata=None):
    name = "small-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr("small.pth", str(pathlib.Path.cwd() / "src"))
        wheel.writestr("small-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        wheel.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small-1.dist-info/RECORD", "")
    return name
"""


class SmallProject:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tools").mkdir(parents=True)
        (folder / "backend.py").write_text(BACKEND)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        for name in ("__init__.py", "toolbox.py"):
            (folder / "tools" / name).touch()
        shutil.copy(ROOT / "tools" / "setup.py", folder / "tools")
        (folder / "src").mkdir()
        (folder / "src" / "small.py").touch()
        (folder / "lab").mkdir()
        (folder / "lab" / "backend.py").write_text(BACKEND.replace("small", "smaller"))
        (folder / "lab" / "pyproject.toml").write_text(PYPROJECT.replace("small", "smaller"))
        for name in ("requirements-dev.txt", "requirements-postgres.txt"):
            (folder / name).write_text("# nothing\n")

    @property
    def stamp(self) -> Path:
        return self.folder / ".venv" / "set-up.json"

    def start(self) -> subprocess.Popen[str]:
        # An index that refuses at once: nothing here may need it, and nothing may be installed from it.
        index = {
            "PIP_INDEX_URL": "http://127.0.0.1:9",
            "UV_INDEX_URL": "http://127.0.0.1:9",
            "PIP_RETRIES": "0",
            "UV_HTTP_RETRIES": "0",
        }
        hostile = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/nowhere", "PIP_USER": "1", "PIP_TARGET": "elsewhere"}
        return subprocess.Popen(
            [sys.executable, "tools/setup.py"],
            cwd=self.folder,
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", **index, **hostile},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def set_up(self) -> tuple[int, str]:
        process = self.start()
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def imports_itself(self) -> bool:
        """Whether the project can be imported from another folder, in an ASCII locale."""
        python = self.folder / ".venv" / "bin" / "python"
        code = "import small; print(ascii(small.__file__))"
        reported = subprocess.run(
            [str(python), "-c", code], check=False, cwd="/", env={"LC_ALL": "C"}, capture_output=True, text=True
        )
        return reported.stdout.strip() == ascii(str(self.folder / "src" / "small.py"))
