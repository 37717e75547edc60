"""Fill a runbook's sentence with what was found; values are cleaned, and quoted inside commands."""

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
    """A value as a person would write it in a sentence."""
    return clean(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def filled(sentence: str, values: Mapping[str, Any]) -> str:
    """The sentence with its {placeholders} filled; one without a value stays visible as <name>.

    Commands, in backticks, are filled so that they can be pasted (remedy_commands). Outside of them no value brings
    a backtick along, so that a command is always the runbook's.
    """

    def whole(name: str) -> str | None:
        return None if values.get(name) is None else _text(values[name])

    return "".join(
        commands.fenced(commands.filled(part, whole)) if is_command else _told(part, values)
        for part, is_command in commands.parts(sentence)
    )


def _told(part: str, values: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        if values.get(match[1]) is None:
            return f"<{match[1]}>"
        text = shown(values[match[1]]).replace("`", "'")
        return text if len(text) <= MOST else text[: MOST - 1] + "…"

    return commands.PLACEHOLDER.sub(value, part)


def word(text: str) -> str:
    """A word of a command line that a person pastes, in quotes whatever it holds."""
    return shlex.quote(text) if re.search(r'["$`\\!]', text) else f'"{text}"'
