"""Keep untracked files out of wheels and sdists; hatch itself only excludes what .gitignore names.

The pyproject.toml of the engine uses this file as well.
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

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - as hatch calls it
        """Add to the target's exclude patterns, which hatch reads later."""
        if version == "editable" or not _is_checkout(self.root):
            return
        settings = self.build_config.target_config
        settings["exclude"] = [*settings.get("exclude", []), *map(_pattern, _untracked(self.root))]
        if new := _untracked(self.root, "--exclude-standard", "--", *self.build_config.only_include):
            self.app.display_warning(f"excluded because git does not track it: {', '.join(new)}")


def _is_checkout(root: str) -> bool:
    """Whether git tracks this project. It does not track an sdist that was unpacked in another checkout."""
    try:
        return bool(_git(root, "ls-files", "pyproject.toml"))
    except (OSError, subprocess.CalledProcessError):
        return False


def _untracked(root: str, *words: str) -> list[str]:
    """Return the untracked paths of a checkout, folders with a trailing slash."""
    names = _git(root, "ls-files", "-z", "--others", "--directory", *words)
    return [name for name in names.split("\0") if name]


def _git(root: str, *words: str) -> str:
    # A git hook sets GIT_DIR and others, which point elsewhere.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, check=True, cwd=root, env=env, capture_output=True, text=True).stdout


def _pattern(path: str) -> str:
    """Return the pattern for .gitignore that matches only this path."""
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path)
