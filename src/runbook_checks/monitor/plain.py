"""Neutralise far ends' text for chats and mail: mentions, link texts, tags and markup have no effect.

Messages quote far ends, and a component may be called `@everyone`, `<!channel>` or `[reset](http://other.example)`. A
zero-width space inside such a sequence keeps it readable and removes its meaning, as Discord's libraries do it.
Commands between backticks stay unchanged, so that they can be pasted, except for mentions of a whole group.
"""

from __future__ import annotations

import re

from runbook_checks.config.untrusted_text import clean

BREAK = "\u200b"  # zero-width space
_GROUPS = "everyone|here|channel|all|room|online|team|group|topic|moderators|admins"
# Whatever surrounds them: Discord, Slack, Mattermost, Rocket.Chat, Matrix, Zulip; <users/all> is Google Chat's.
_CALLS = re.compile(rf"(?i)@(?=(?:{_GROUPS})\b)|@(?=[*_]{{1,2}}\S)|<(?=[@!#&]|users/)")
_OUTSIDE_CODE = re.compile(
    r"""(?ix)
    (?<!\w) @ (?=[^\W\d])                          # one person; not mail@example.com
    | < (?=/?[a-z][^<>\n]*[>|])                    # tags, <http://...|text>, <at>, <t:0>
    | \] (?=[(\[])                                 # [text](address)
    | \b (?:tel|sms|callto|facetime|skype|mailto|javascript|vbscript|data): (?=\S)
    | \* (?=\*) | _ (?=_) | ~ (?=~) | \| (?=\|)    # bold, struck through, hidden
    """
)


def plain(text: str) -> str:
    """The text, line by line, without anything that a chat or a mail program would act on."""
    return "\n".join(_line(clean(line)) for line in text.splitlines())


def _line(line: str) -> str:
    line = re.sub(r"``+", "'", line)
    if line.count("`") % 2:  # an unclosed one would turn our own lines into code
        head, _, tail = line.rpartition("`")
        line = f"{head}'{tail}"
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(_broken(_CALLS, part if part[:1] == "`" else _broken(_OUTSIDE_CODE, part)) for part in parts)


def _broken(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: match[0] + BREAK, text)
