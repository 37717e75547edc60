"""Import what every run of the product loads. The fork server of `tests.forked` does so once for all runs."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from _pytest.config import default_plugins

PYTEST = ("execnet", "packaging.version", "tomllib", "xdist.newhooks", *(f"_pytest.{name}" for name in default_plugins))
# Not the checks: `--list-symptoms` lists which of them are loaded.
OURS = ("config", "handles", "output", "plugin", "probes", "reports", "results")

for _name in (*PYTEST, "runbook_checks.cli.pytest_plugin", "runbook_checks.suite.fixtures.lab"):
    import_module(_name)
for _name in OURS:
    _path = import_module(f"runbook_checks.{_name}").__path__
    for _module in pkgutil.walk_packages(_path, f"runbook_checks.{_name}."):
        import_module(_module.name)
