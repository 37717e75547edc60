"""Create the run that the caller asked for, and make it available to the other plugins."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import pytest

from runbook_checks.config import environment_files as finding
from runbook_checks.config.cache import load
from runbook_checks.config.environment_files import suite_of
from runbook_checks.config.run import PLUGIN, Run
from runbook_checks.config.strict_yaml import BadFile
from runbook_checks.handles.context import Context
from runbook_checks.plugin.suites import own_handles

if TYPE_CHECKING:
    from pathlib import Path

    from runbook_checks.config.files import Files

CONTEXT = pytest.StashKey[Context]()


def find_environment(named: str) -> Path:
    """The file of an environment given by name or path; UsageError with the known ones."""
    try:
        return finding.find_environment(named)
    except finding.NoSuchEnvironment as none:
        raise pytest.UsageError(f"--env {none}") from None


def load_files(named: str, *, allows_commands: bool = True) -> Files:
    """All files of an environment, including the team's own capabilities; UsageError with all mistakes.

    allows_commands  whether the team's own Python may be run, which defines the settings of its capabilities
    """
    path = find_environment(named)
    handles = own_handles(suite_of(path)) if allows_commands else {}
    own = {name: handle.Settings for name, handle in handles.items()} if allows_commands else None
    try:
        return load(path, own)
    except BadFile as bad:
        raise pytest.UsageError(*[str(problem) for problem in bad.problems]) from None


def new_id() -> str:
    """A run's id: sortable by time, unique on the machine."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + uuid.uuid4().hex[:6]


def register(config: pytest.Config, run: Run) -> None:
    """Make the run, and the context that its handles share, available to the other plugins."""
    config.pluginmanager.register(run, PLUGIN)
    config.stash[CONTEXT] = Context(run)


def has_run(config: pytest.Config) -> bool:
    """Whether checks are run or listed, unlike with --help and --version."""
    return config.pluginmanager.has_plugin(PLUGIN)


def run_of(config: pytest.Config) -> Run:
    """The run that `register` was given."""
    return context_of(config).run


def context_of(config: pytest.Config) -> Context:
    """The context that the run's handles share."""
    return config.stash[CONTEXT]
