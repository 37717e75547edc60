"""Keep text from a far end text: nothing in it moves a cursor, hides, or is a command to a CI runner.

GitHub's runner obeys `::command ...::` where a line begins with it, and `##[command]` anywhere in a line
(actions/runner, ActionCommand.cs); it compares by the rules of a language, which skip invisible characters, so that a
zero-width space between the colons would not help. Azure Pipelines has `##vso[...]`, TeamCity `##teamcity[...]`, GitLab
`section_start:`, Travis `travis_fold:`, Buildkite `--- `, `+++ `, `~~~ ` and `^^^ ` where a line begins.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters, line separators, marks that turn the direction of writing, halves of surrogate pairs, and all
# that a font shows as nothing (Unicode's Default_Ignorable_Code_Point).
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
HIDDEN = re.compile(f"[{_HIDDEN}]+")
_IN_LINES = re.compile(f"\\r\n|(?:(?![\n\t])[{_HIDDEN}])+")
# What pytest colours with: bold, dim, underlined, inverse, colours. Not concealed (8).
_COLOUR = r"\x1b\[(?:0|1|2|4|7|[39][0-7]|4[0-7]|10[0-7])?(?:;(?:0|1|2|4|7|[39][0-7]|4[0-7]|10[0-7]))*m"
_REWRITTEN = rf"\A(?:{_COLOUR})*\r(?:\x1b\[K)?"  # pytest colours the whole of what it writes
MOST = 1000  # characters of a line that are kept in mind
# GitHub's also within a line: something may take away what stands before it.
_ANYWHERE = (
    r"##\w*(?=\[)|(?:section_(?:start|end)|travis_(?:fold|time))(?=:)"
    r"|(?<![\w:]):(?=:[A-Za-z][\w-]*(?: [^\n]{0,200}?)?::)"
)
_OBEYED = re.compile(
    rf"^(?:[^\S\n]|{_COLOUR})*:(?=:[A-Za-z])"
    rf"|{_ANYWHERE}"
    rf"|^(?:{_COLOUR})*(?:--|\+\+|~~|\^\^)(?=[-+~^](?:\s|$))",
    re.MULTILINE,
)


def clean(text: str) -> str:
    """Text from a far end made fit for one line: what is hidden, breaks the line or moves a cursor becomes a blank."""
    return HIDDEN.sub(" ", text).strip()


def unobeyed(text: str) -> str:
    """The text with a blank within each word that a CI runner would take for a command."""
    return _OBEYED.sub(r"\g<0> ", text)


def unmentioned(text: str) -> str:
    """The text with a zero-width space in what calls somebody or names an issue where it is posted: @name, #12."""
    return re.sub(r"(?<!\w)@(?=\w)|#(?=\d)", "\\g<0>\u200b", text)


def printable(text: str) -> str:
    """Lines made fit for a terminal and a CI job's log; line breaks and tabs stay."""
    return unobeyed(_in_lines(text))


def json_text(text: str) -> str:
    """A JSON document that says the same, and that no CI runner obeys where it is printed."""
    shown = HIDDEN.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)
    return re.sub(rf"({_ANYWHERE})(.)", lambda found: f"{found[1]}\\u{ord(found[2]):04x}", shown)


class Printed:
    """A stream to a terminal or a job's log: what is written comes out as text, in whatever pieces it comes.

    Colours stay, and on a terminal what rewrites a line.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._line = ""  # the present line, as far as it is written
        self._kept = re.compile(f"({_REWRITTEN}|{_COLOUR})" if stream.isatty() else f"({_COLOUR})")

    def write(self, text: str) -> int:
        parts = self._kept.split(text)
        plain = "".join(part if number % 2 else _in_lines(part) for number, part in enumerate(parts))
        whole = unobeyed(self._line + plain)
        new = whole[len(self._line) :] if whole.startswith(self._line) else f" {plain}"
        self._stream.write(new)
        line = whole.rpartition("\n")[2]
        self._line = line if len(line) < MOST else "." + line[-MOST // 2 :]
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _in_lines(text: str) -> str:
    return _IN_LINES.sub(lambda found: "\n" if found[0] == "\r\n" else " ", text)
