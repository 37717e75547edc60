"""Import what every run of the product loads. The fork server of `tests.forked` does so once for all runs."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from _pytest.config import default_plugins

# Not the checks: which of them are loaded is what `--list-symptoms` lists.
PACKAGES = ("config", "handles", "output", "plugin", "probes", "reports", "results")

for _name in default_plugins:
    import_module(f"_pytest.{_name}")
for _package in PACKAGES:
    _path = import_module(f"runbook_checks.{_package}").__path__
    for _module in pkgutil.walk_packages(_path, f"runbook_checks.{_package}."):
        import_module(_module.name)
