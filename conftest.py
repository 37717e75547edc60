"""The product's plugins for `pytest` in this clone; `runbook-checks` loads them by itself."""

from runbook_checks.cli.pytest_plugin import pytest_plugins

__all__ = ["pytest_plugins"]
