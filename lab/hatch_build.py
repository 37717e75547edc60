"""Keep files that git does not track out of the wheels and sdists; hatch by itself leaves out what .gitignore names.

The pyproject.toml of the engine names this file as well.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TrackedFiles(BuildHookInterface[BuilderConfig]):
    """Excludes each untracked file by name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add to the excluded patterns of the target, which hatch reads after this."""
        if version != "editable":
            settings = self.build_config.target_config
            settings["exclude"] = [*settings.get("exclude", []), *map(_pattern, _untracked(self.root))]


def _untracked(root: str) -> list[str]:
    """The untracked paths of a checkout, folders with a slash at their end; none of an unpacked sdist or without git."""
    try:
        _git(root, "ls-files", "--error-unmatch", "pyproject.toml")
        names = _git(root, "ls-files", "-z", "--others", "--directory")
    except (OSError, subprocess.CalledProcessError):
        return []
    return [name for name in names.split("\0") if name]


def _git(root: str, *words: str) -> str:
    # A hook of git sets GIT_DIR and others, which lead elsewhere.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, check=True, cwd=root, env=env, capture_output=True, text=True).stdout


def _pattern(path: str) -> str:
    """The pattern of .gitignore that matches this path alone."""
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path)
