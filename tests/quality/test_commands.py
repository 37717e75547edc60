"""Every module that the Makefile runs exists."""

from __future__ import annotations

import re
from importlib.util import find_spec

from tests.harness import PROJECT


def test_modules_that_the_makefile_runs_exist() -> None:
    modules = set(re.findall(r"\$\(PYTHON\) -m (\S+)", (PROJECT / "Makefile").read_text()))
    assert {"quality.matrix", "quality.mutation", "quality.soak"} <= modules
    missing = [module for module in modules if find_spec(module) is None]
    assert not missing, f"the Makefile runs modules that do not exist: {missing}"
