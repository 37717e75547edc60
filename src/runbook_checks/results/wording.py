"""Fill in the placeholders of a runbook's sentence; values are cleaned, and quoted inside commands."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from runbook_checks.config import remedy_commands as commands
from runbook_checks.config.untrusted_text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 200  # characters of a value that a sentence shows


def shown(value: Any) -> str:
    """A value formatted for a sentence."""
    return clean(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def filled(sentence: str, values: Mapping[str, Any]) -> str:
    """The sentence with its {placeholders} filled in; one without a value is shown as <name>.

    Commands, in backticks, are filled in so that they can be pasted (remedy_commands). Values outside of them lose
    their backticks, so that every command is the runbook's.
    """

    def full_text(name: str) -> str | None:
        return None if values.get(name) is None else _text(values[name])

    return "".join(
        commands.fenced(commands.filled(part, full_text)) if is_command else _filled_text(part, values)
        for part, is_command in commands.parts(sentence)
    )


def _filled_text(part: str, values: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        if values.get(match[1]) is None:
            return f"<{match[1]}>"
        text = shown(values[match[1]]).replace("`", "'")
        return text if len(text) <= MOST else text[: MOST - 1] + "…"

    return commands.PLACEHOLDER.sub(value, part)


def word(text: str) -> str:
    """A word of a command line to paste, always in quotes."""
    return shlex.quote(text) if re.search(r'["$`\\!]', text) else f'"{text}"'
