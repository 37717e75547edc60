"""Take secrets out of text, in whatever form they stand in it. No other module does."""

from __future__ import annotations

import base64
import html
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SHORTEST = 6
MARK = "[redacted]"
_MARKS = re.compile(r"\[redacted(?::([^\]\s]*))?\]")
_CUT = re.compile(r"\A|…|\.\.\.|\Z")  # where a text may have been cut
_BLANKS = re.compile(r"\s+")
# In key=value pairs with blanks, ';' or '&' between them; of a value without quotes also what a blank cuts off.
_KEY = r"(?:^|[\s;?&])(?:\w*password|pwd|\w*secret)\s*=\s*"
_DSN_PASSWORD = re.compile(_KEY + r"(?:'((?:[^'\\]|\\.)*)'|(\S+))", re.IGNORECASE)
_OPEN_PASSWORD = re.compile(_KEY + r"([^';&=]{1,300}?)\s{0,8}(?:[;&]|\s\w{1,40}\s{0,8}=|\Z)", re.IGNORECASE)
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.:-]*://[^:@/?#]*:(.*)@", re.DOTALL)
_URL_WITHOUT_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.:-]*://[^:@/?#]*:([^@/?#]*[^@/?#0-9][^@/?#]*)")
_TOKEN = re.compile(r"(?:https?|rediss?)://([^:@/?#]+)@")
_FIRST_KEY = re.compile(r"[a-z_]{2,20}(?:[ +]|%20)*(?:=|%3[Dd])(?!=|%3[Dd]|\Z)")
_ENDS = re.compile(r"[@/?#\[\]\s]")  # what an unescaped password is broken at


@dataclass(frozen=True)
class _Hit:
    """Where a text holds a secret, what is left of one, or a mark; `label` names the secret and holds none of it."""

    start: int
    end: int
    label: str


class Redaction:
    """The secrets of a run, and what takes them out of text.

    A secret is taken out as it is, URL-encoded, in base64 (at each of the three alignments), in hex,
    escaped as JSON, HTML, a Python literal or a shell word; of a DSN or URL also the password alone. Where a text was
    cut in the middle of one, what is left of it is taken out as well.
    Secrets shorter than SHORTEST characters would take ordinary words along: they get a warning instead.

    `text` and `tree` are for free text, which loses every secret. `name` is for names that a far end may choose
    (subjects): findings and the history are known by them, so the names of two secrets stay two, and words of
    `sources`, the files that a run reads, stay. Systems, symptoms, causes, outcomes, keys and whatever else comes from
    the files or from us is never redacted.
    """

    def __init__(self, sources: Iterable[Path] = ()) -> None:
        self.warnings: list[str] = []
        self.secrets: dict[tuple[str, str], None] = {}
        """The value and name of each secret, in order."""
        self._known_at_start = 0
        self._sources = sources
        self._labels: dict[str, str] = {}  # by form
        self._starting: dict[str, list[str]] = {}  # forms, by their first SHORTEST characters
        self._pieces: set[str] = set()  # every SHORTEST characters in a row of each form
        self._lock = Lock()

    def add(self, value: str, name: str) -> None:
        """Put a secret on the list; `name` stands in its label, and in a warning where it is too short."""
        self.secrets[value, name] = None
        label = re.sub(r"\s+", "-", name.replace(": ", ":")).replace("]", "")
        warning = f"the secret {name} has fewer than {SHORTEST} characters and can't be kept out of reports"
        parts = {part.strip() for part in [value, *value.split("\n"), *passwords(value)]} - {""}
        for part in (part for part in parts if not part.startswith("-----")):
            if len(part) >= SHORTEST:
                self._add_forms(part, label)
            elif warning not in self.warnings:
                self.warnings.append(warning)

    def start(self) -> None:
        """Note that the checks start now."""
        self._known_at_start = len(self._labels)

    @property
    def has_grown(self) -> bool:
        """Whether a secret was added after `start`: earlier results may contain it."""
        return len(self._labels) > self._known_at_start

    def _add_forms(self, secret: str, label: str) -> None:
        with self._lock:
            for form in (form for form in forms(secret) if form not in self._labels):
                self._labels[form] = label
                self._starting.setdefault(form[:SHORTEST], []).append(form)
                self._pieces.update(form[at : at + SHORTEST] for at in range(len(form) - SHORTEST + 1))

    def text(self, text: str) -> str:
        """Free text without any secret."""
        return _replaced(text, self._hits(text), is_labelled=False)

    def name(self, text: str) -> str:
        """A name without secrets, save words of the files; each leaves its label.

        The label is the same in every run and says nothing of the value, as a digest of a short one would.
        """
        hits = (hit for hit in self._hits(text) if not self._is_public(text[hit.start : hit.end]))
        return _replaced(text, hits, is_labelled=True)

    def tree(self, value: Any) -> Any:
        """A JSON-like value from a far end: its texts as free text, its keys as names.

        A number stays, unless its digits are a secret that stands in no file: a PIN may come as one.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.name(key) if isinstance(key, str) else key: self.tree(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.tree(entry) for entry in value)
        if isinstance(value, int) and str(value) in self._labels and not self._is_public(str(value)):
            return MARK
        return value

    def _is_public(self, words: str) -> bool:
        """Whether anybody can read these words in the files."""
        return any(words in page for page in self._pages)

    @cached_property
    def _pages(self) -> list[str]:
        pages = []
        for path in self._sources:
            with suppress(OSError, UnicodeDecodeError):
                pages.append(path.read_text(encoding="utf-8"))
        return pages

    def _hits(self, text: str) -> Iterator[_Hit]:
        """Our own marks, and secrets that lie in none; they may overlap."""
        marks = [_Hit(*mark.span(), mark[1] or "") for mark in _MARKS.finditer(text)]
        marks = [mark for mark in marks if not mark.label or mark.label in self._labels.values()]
        yield from marks
        for hit in self._secrets(text):
            if not any(mark.start <= hit.start and hit.end <= mark.end for mark in marks):
                yield hit

    def _secrets(self, text: str) -> Iterator[_Hit]:
        for at in range(len(text) - SHORTEST + 1):
            for form in self._starting.get(text[at : at + SHORTEST], ()):
                if text.startswith(form, at):
                    yield _Hit(at, at + len(form), self._labels[form])
        for cut in _CUT.finditer(text):
            yield from self._before_cut(text, cut.start())
            yield from self._after_cut(text, cut.end())

    def _before_cut(self, text: str, end: int) -> Iterator[_Hit]:
        for form in self._holding(text[max(0, end - SHORTEST) : end]):
            for size in _sizes(form):
                if text.endswith(form[:size], 0, end):
                    yield _Hit(end - size, end, self._labels[form])

    def _after_cut(self, text: str, start: int) -> Iterator[_Hit]:
        for form in self._holding(text[start : start + SHORTEST]):
            for size in _sizes(form):
                if text.startswith(form[-size:], start):
                    yield _Hit(start, start + size, self._labels[form])

    def _holding(self, piece: str) -> list[str]:
        """The forms that hold a piece of SHORTEST characters; mostly none do, which is known at once."""
        return [form for form in [*self._labels] if piece in form] if piece in self._pieces else []


def _replaced(text: str, hits: Iterable[_Hit], *, is_labelled: bool) -> str:
    """The text with a mark in place of each hit; those that overlap are one."""
    parts, at = [], 0
    spans: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.label)):
        if spans and hit.start < spans[-1].end:
            last = spans[-1]
            spans[-1] = _Hit(last.start, max(last.end, hit.end), last.label or hit.label)
        else:
            spans.append(hit)
    for span in spans:
        parts += [text[at : span.start], f"[redacted:{span.label}]" if is_labelled and span.label else MARK]
        at = span.end
    return "".join([*parts, text[at:]])


def _sizes(form: str) -> range:
    """How many characters of a secret give it away, the most first."""
    return range(len(form) - 1, _least(form) - 1, -1)


def _least(form: str) -> int:
    """How much of a secret gives it away: of an address, whose beginning everybody knows, half of it.

    Of key=value pairs the first key alone gives nothing away.
    """
    key = _FIRST_KEY.match(form)
    is_known = key is not None or "://" in form or "%3A%2F%2F" in form.upper()
    return max(SHORTEST, len(form) // (2 if is_known else 4), key.end() + 1 if key else 0)


def passwords(value: str) -> set[str]:
    """The password inside a URL or a `key=value` connection string, as written and decoded.

    A user without a password is a token where HTTP or Redis is spoken.
    Of an address that is malformed it is what was most likely meant, and each piece that could be told as a host.
    """
    value = value.strip()
    loose = _TOKEN.match(value) or _URL.match(value) or _URL_WITHOUT_HOST.match(value)
    bare = {*_OPEN_PASSWORD.findall(value)} | ({loose[1]} if loose else set())
    found = {a or b for a, b in _DSN_PASSWORD.findall(value)} | bare
    pieces = {piece for text in bare if _ENDS.search(text) for piece in _ENDS.split(text) if len(piece) >= SHORTEST}
    return {text for text in found | pieces | {unquote(text) for text in found} if text}


def forms(secret: str) -> list[str]:
    """Every way in which the suite or the libraries below it may write a secret down, always in the same order."""
    raw = secret.encode("utf-8", "surrogateescape")
    written = [
        secret,
        _BLANKS.sub(" ", secret),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
    ]
    written += [text.replace("%2F", "%2f") for text in written] + [
        re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), w) for w in written
    ]
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        written += [once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]]
    written += [
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        secret.replace("'", "'\"'\"'"),
        secret.replace('"', '""'),  # CSV
        "".join(f"%{byte:02x}" for byte in raw),  # every character, as RFC 3986 allows
        "".join(f"%{byte:02X}" for byte in raw),
        raw.hex(),
        raw.hex().upper(),
    ]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # Inside a longer text base64 has three alignments; the characters that mix with neighbours go.
            text = encode(b"\0" * shift + raw).decode().rstrip("=")
            start = (0, 2, 3)[shift]
            end = len(text) - (1 if (shift + len(raw)) % 3 else 0)
            written.append(text[start:end])
    return [form for form in dict.fromkeys(written) if len(form) >= SHORTEST]
