"""Find the files that an HTML document, a style sheet and a web app manifest refer to.

Nothing raises, whatever the document holds. selectolax takes quadratic time for elements nested many thousand deep, as
the HTML Standard's tree construction does; it releases the GIL meanwhile, so that the check's deadline ends the wait.
Style sheets are read by one regular expression, in linear time: tinycss2 takes 2 microseconds for each character that
is a token, 0.2 s for 100 kB on an idle machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from runbook_checks.probes.core.json_text import parsed

Kind = Literal["script", "style", "image", "font", "manifest", "other"]
AS: dict[str, Kind] = {"script": "script", "style": "style", "image": "image", "font": "font"}
ICONS = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"}
# Types that make a script element a script (HTML, 4.12.1); any other type makes it a block of data.
SCRIPT_TYPES = {"", "module", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript"}
SOURCES: dict[str, tuple[tuple[str, Kind], ...]] = {
    "img": (("src", "image"),),
    "source": (("src", "other"),),
    "video": (("src", "other"), ("poster", "image")),
    "audio": (("src", "other"),),
    "track": (("src", "other"),),
    "embed": (("src", "other"),),
    "object": (("data", "other"),),
    "image": (("href", "image"), ("xlink:href", "image")),
    "use": (("href", "image"), ("xlink:href", "image")),
}
AT_RULES: dict[str, Kind] = {"import": "style", "font-face": "font"}
MAX_URL = 4096
CANDIDATE = re.compile(r"[\s,]*+(\S++)")
CSS = re.compile(
    r"""
    /\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)                            # a comment
    | @namespace\b[^;{}]*+                                    # the name of a vocabulary, not a file
    | (?P<face>@font-face\b)
    | (?P<close>\})
    | (?P<import>@import\s++)(?:(?P<quote>["'])(?P<string>(?:[^"'\\\n]|\\.|(?!(?P=quote))["'])*+)(?P=quote))?
    | (?<![\w-])url\(\s*+(?:(?P<q>["'])(?P<quoted>(?:[^"'\\\n]|\\.|(?!(?P=q))["'])*+)(?P=q)|(?P<bare>[^\s"'()]*+))\s*+\)
    | "(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\\?\Z)                    # any other string; it ends with its line at the latest
    | '(?:[^'\\\n]|\\.)*+(?:'|(?=\n)|\\?\Z)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|\n|(.))", re.DOTALL)


@dataclass(frozen=True)
class Tag:
    """One element of a page; names in lower case."""

    name: str
    attributes: dict[str, str]
    sheet: str  # the content of a style element


@dataclass(frozen=True)
class Reference:
    """One file that is referred to."""

    url: str  # absolute, without fragment
    kind: Kind


def in_html(document: str, url: str) -> list[Reference]:
    """The scripts, styles, pictures, fonts and media of a page, its manifest and preloads; each once, in order."""
    found: list[tuple[str, Kind]] = []
    base = url
    for tag in _tags(document):
        if tag.name == "base" and base == url and tag.attributes.get("href"):
            base = _joined(url, tag.attributes["href"]) or url
        found += _of_tag(tag)
        for sheet in filter(None, (tag.attributes.get("style"), tag.sheet)):
            found += _in_css(sheet)
    return _absolute(found, base)


def _tags(document: str) -> Iterator[Tag]:
    """The elements of a page in a browser with scripts enabled."""
    from selectolax.lexbor import LexborHTMLParser

    parser = LexborHTMLParser(document.encode("utf-8", "replace"), scripting=True)
    for node in parser.root.traverse() if parser.root else ():
        attributes = {name: value or "" for name, value in node.attributes.items()}
        yield Tag(node.tag or "", attributes, node.text() if node.tag == "style" else "")


def in_css(sheet: str, url: str) -> list[Reference]:
    """The files of a style sheet (url() and @import)."""
    return _absolute(list(_in_css(sheet)), url)


def in_manifest(document: Any, url: str) -> list[Reference]:
    """The images of a web app manifest (W3C Manifest; icons, screenshots, shortcuts)."""
    found: list[tuple[str, Kind]] = []
    members = document if isinstance(document, dict) else {}
    shortcuts = [s for s in _list(members.get("shortcuts")) if isinstance(s, dict)]
    for holder in (members, *shortcuts):
        pictures = (*_list(holder.get("icons")), *_list(holder.get("screenshots")))
        sources = (picture.get("src") for picture in pictures if isinstance(picture, dict))
        found += [(source, "image") for source in sources if isinstance(source, str)]
    return _absolute(found, url)


def parsed_manifest(text: str) -> Any:
    """The document, None if it is not JSON."""
    try:
        return parsed(text.removeprefix("\ufeff"), is_strict=False)
    except ValueError:
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _of_tag(tag: Tag) -> Iterator[tuple[str, Kind]]:
    get = tag.attributes.get
    if tag.name == "script" and get("src") and get("type", "").strip().lower().partition(";")[0] in SCRIPT_TYPES:
        yield get("src", ""), "script"
    elif tag.name == "link":
        yield from _of_link(tag)
    elif tag.name == "input" and get("type", "").lower() == "image" and get("src"):
        yield get("src", ""), "image"
    for name, kind in SOURCES.get(tag.name, ()):
        if get(name):
            yield get(name, ""), kind
    if tag.name in ("img", "source"):
        yield from ((url, "image") for url in _candidates(get("srcset", "")))


def _of_link(tag: Tag) -> Iterator[tuple[str, Kind]]:
    get = tag.attributes.get
    words = set(get("rel", "").lower().split())
    kind = _kind_of_link(words, get("as", "").lower())
    if kind is None:
        return
    if get("href"):
        yield get("href", ""), kind
    yield from ((url, "image") for url in _candidates(get("imagesrcset", "")))


def _kind_of_link(words: set[str], purpose: str) -> Kind | None:
    if "stylesheet" in words:
        return None if "alternate" in words else "style"
    if "modulepreload" in words:
        return "script"
    if words & ICONS:
        return "image"
    if "manifest" in words:
        return "manifest"
    return AS.get(purpose, "other") if words & {"preload", "prefetch"} else None


def _candidates(srcset: str) -> Iterator[str]:
    """The addresses of a srcset (HTML, 4.8.4.2.1): each up to white space, its descriptors up to a comma."""
    position = 0
    while (found := CANDIDATE.match(srcset, position)) is not None:
        url, position = found[1], found.end()
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            comma = srcset.find(",", position)
            position = len(srcset) if comma < 0 else comma + 1
        if url:
            yield url


def _in_css(sheet: str) -> Iterator[tuple[str, Kind]]:
    is_font = False
    for token in CSS.finditer(sheet):
        if token["face"]:
            is_font = True
        elif token["close"]:
            is_font = False
        elif token["import"]:
            if token["string"] is not None:
                yield _unescaped(token["string"]), "style"
        else:
            written = token["quoted"] if token["quoted"] is not None else token["bare"]
            if written:
                is_import = re.search(r"@import\s+\Z", sheet[max(0, token.start() - 20) : token.start()], re.IGNORECASE)
                yield _unescaped(written), "style" if is_import else "font" if is_font else "image"


def _unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        if not found[1]:
            return found[2] or ""
        code = int(found[1], 16)
        return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"

    return ESCAPE.sub(plain, text)


def _absolute(found: list[tuple[str, Kind]], base: str) -> list[Reference]:
    made: dict[str, Reference] = {}
    for written, kind in found:
        url = _joined(base, written)
        if url is not None:
            made.setdefault(url, Reference(url, kind))
    return list(made.values())


def _joined(base: str, written: str) -> str | None:
    """The absolute http address, None for anything else (data:, a fragment)."""
    # Browsers remove tabs and line ends anywhere (URL Standard, 4.4).
    written = re.sub(r"[\t\n\r]", "", written).strip()
    if not written or written.startswith("#") or len(written) > MAX_URL:
        return None
    try:
        url = urljoin(base, written).partition("#")[0]
        parts = urlsplit(url)
        url.encode()  # JSON can contain characters that no address can
        return url if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None
