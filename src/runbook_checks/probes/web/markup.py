"""Which tags does an HTML document have? (As a browser reads it: comments and raw text hold none.)

Made for documents by whoever wrote them: the time is linear in their size, and nothing raises. The HTML Standard,
13.2.5 (tokenization), as far as start tags go.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Elements whose content is text up to their end tag (13.2.6.2); scripting is on, so noscript's is.
RAW = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript")
OPENING = re.compile(r"<(?:(!--)|([!?/])|([a-zA-Z][^\s/>]*+))")
ATTRIBUTE = re.compile(r"[\s/]*+([^\s/>=][^\s/>=]*+|=[^\s/>=]*+)(?:\s*+=\s*+(\"|'|[^\s>\"'][^\s>]*+)?)?")
TAG_END = re.compile(r"[\s/]*+>")
# Beyond all characters, and beyond what html.unescape can turn into a number.
LONG_REFERENCE = re.compile(r"&#[0-9]{99,};?")
COMMENT_END = re.compile(r"--!?>")


@dataclass(frozen=True)
class Tag:
    """One start tag; names in lower case, the first of attributes of one name counts."""

    name: str
    attributes: dict[str, str]
    text: str = ""  # of an element that holds raw text


def tags(document: str) -> Iterator[Tag]:
    """The start tags, in order."""
    position = 0
    while (opening := OPENING.search(document, position)) is not None:
        comment, other, name = opening.groups()
        if comment:
            position = _after_comment(document, opening.end())
        elif other:
            end = document.find(">", opening.end())
            position = len(document) if end < 0 else end + 1
        else:
            read = _attributes(document, opening.end())
            if read is None:
                return  # it ends within a tag
            attributes, position = read
            text, position = _raw(document, position, name.lower())
            yield Tag(name.lower(), attributes, text)


def _after_comment(document: str, position: int) -> int:
    if document.startswith((">", "->"), position):
        return position + 1
    end = COMMENT_END.search(document, position)
    return end.end() if end else len(document)


def _attributes(document: str, position: int) -> tuple[dict[str, str], int] | None:
    """The attributes and where the tag has ended, None where it doesn't."""
    attributes: dict[str, str] = {}
    while (end := TAG_END.match(document, position)) is None:
        found = ATTRIBUTE.match(document, position)
        if found is None:
            return None
        name, value = found[1].lower(), found[2] or ""
        position = found.end()
        if value in ('"', "'"):
            closing = document.find(value, position)
            if closing < 0:
                return None
            value, position = document[position:closing], closing + 1
        attributes.setdefault(name, html.unescape(LONG_REFERENCE.sub("\ufffd", value)))
    return attributes, end.end()


def _raw(document: str, position: int, name: str) -> tuple[str, int]:
    if name not in RAW:
        return "", position
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(document, position)
    if end is None:
        return document[position:], len(document)
    return document[position : end.start()], end.start()
