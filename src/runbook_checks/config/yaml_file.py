"""Read a YAML file into nodes; every mistake is a sentence with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.config.regular_file import read_regular
from runbook_checks.config.strict_yaml import BadFile, Node, Problem, shown

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 4 << 20


def read_yaml(path: Path) -> Node:
    """The document in a file as a Node; BadFile where it isn't one document of plain YAML."""
    file = shown(path)
    try:
        raw = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise BadFile([Problem(file, "", 1, f"can't be read: {error.strerror or error}")]) from None
    if len(raw) > MAX_BYTES:
        raise BadFile([Problem(file, "", 1, f"is larger than {MAX_BYTES >> 20} MiB")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadFile([Problem(file, "", line, "is not UTF-8; save it as UTF-8")]) from None
    from runbook_checks.config.yaml_parser import parsed  # PyYAML is imported only where no cache helps

    return parsed(text, file)
