"""The one way in which secrets are taken out of what is said, in whatever form they turn up."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 6
MARK = "[redacted]"
_MARKS = re.compile(r"\[redacted(?::([^\]\s]*))?\]")
_REMNANT = re.compile(r"\.(?:first|last)\d+\Z")
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
_COLOURS = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z])")  # ECMA-48, 5.4


@dataclass(frozen=True, order=True)
class _Hit:
    """Where a text holds a secret, what is left of one, or a mark; `label` names the secret and holds none of it."""

    start: int
    end: int
    label: str
    is_mark: bool = False

    def lies_in(self, other: _Hit) -> bool:
        return other.start <= self.start and self.end <= other.end


class Redaction:
    """The list of secrets, and the one way to take them out of a text.

    A secret is taken out as it is, URL-encoded, in base64 (at each of the three alignments), in hex,
    escaped as JSON, HTML, a Python literal or a shell word; of a DSN or URL also the password alone. Where a text was
    cut in the middle of one, what is left of it is taken out as well.
    Secrets shorter than SHORTEST characters would blacken ordinary words: they get a warning instead.

    `text` and `tree` are for free text, which loses every secret. `name` is for names that a far end may choose
    (subjects): findings and the history are known by them, so two names stay two. `line` is for lines that others
    compose of names and free text. Systems, symptoms, causes, outcomes, keys and whatever else comes from the files
    or from us go through none of them.
    """

    def __init__(self, is_public: Callable[[str], bool] = lambda _: False) -> None:
        self.warnings: list[str] = []
        self._is_public = is_public  # whether anybody can read these words in the files: there they are no secret
        self._forms: dict[str, str] = {}  # each with its label
        self._ends: set[str] = set()  # what a text may end with that was cut inside a secret
        self._rests: set[str] = set()  # and what it may go on with after a cut
        self._starts: set[str] = set()  # what each of the forms begins with
        self._pattern: re.Pattern[str] | None = None  # made when it is first needed
        self._lock = Lock()

    def add(self, value: str, name: str) -> None:
        """Put a secret on the list; `name` stands in its label, and in a warning where it is too short."""
        with self._lock:
            for part in dict.fromkeys([value, *value.split("\n"), *sorted(passwords(value))]):
                self._add_part(part.strip(), name)

    def _add_part(self, part: str, name: str) -> None:
        if not part or part == "-----BEGIN" or part.startswith("-----"):
            return
        if len(part) < SHORTEST:
            warning = f"the secret {name} has fewer than {SHORTEST} characters and can't be kept out of reports"
            if warning not in self.warnings:
                self.warnings.append(warning)
            return
        new = [form for form in forms(part) if form not in self._forms]
        self._forms = self._forms | self._labelled(new, name)  # a new one: others may be reading
        self._rests = self._rests | {
            form[at : at + SHORTEST] for form in new for at in range(1, len(form) - _least(form) + 1)
        }
        self._starts = self._starts | {form[:SHORTEST] for form in new}
        self._pattern = None
        self._ends = self._ends | {form[end - SHORTEST : end] for form in new for end in range(_least(form), len(form))}

    def _labelled(self, new: list[str], name: str) -> dict[str, str]:
        """A label for each form: the secret's name, with a number from its second form on."""
        name = re.sub(r"[\]~]", "", re.sub(r"\s+", "-", name.replace(": ", ":")))
        before = sum(label.partition("~")[0] == name for label in self._forms.values())
        return {form: f"{name}~{number}" if number else name for number, form in enumerate(new, before)}

    def text(self, text: str) -> str:
        """Free text without any secret."""
        return _replaced(text, self._hits(text), lambda _: "") if self._forms else text

    def name(self, text: str) -> str:
        """A name without secrets, save what anybody can read in the files; other secrets leave their label.

        The label is the same in every run and tells nothing of the value, as a digest of a short one would.
        """
        return _replaced(text, self._hidden(text), lambda hit: hit.label) if self._forms else text

    def line(self, text: str) -> str:
        """A line, in colours or not, without secrets, save what anybody can read in the files."""
        if not self._forms:
            return text
        return "".join(
            part
            if part.startswith("\x1b[")
            else _replaced(part, self._hidden(part), lambda hit: hit.label if hit.is_mark else "")
            for part in _COLOURS.split(text)
        )

    def bytes(self, data: bytes) -> bytes:
        """Free text in bytes of any encoding: what isn't UTF-8 passes through unharmed."""
        if not self._forms:
            return data
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

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
        if isinstance(value, int) and str(value) in self._forms and not self._is_public(str(value)):
            return MARK
        return value

    def _hidden(self, text: str) -> list[_Hit]:
        """The hits that stand in no file."""
        return [hit for hit in self._hits(text) if hit.is_mark or not self._is_public(text[hit.start : hit.end])]

    def _hits(self, text: str) -> list[_Hit]:
        """Marks, and outside of them secrets, as long as may be at each place; they may overlap."""
        # Looking up pieces is many times quicker than a search for hundreds of alternatives, and there is mostly none.
        starts = self._starts
        begins = [at for at in range(len(text) - SHORTEST + 1) if text[at : at + SHORTEST] in starts]
        matches = (self._whole().match(text, at) for at in begins)
        found = [_Hit(*match.span(), self._forms[match[0]]) for match in matches if match]
        found += [hit for cut in _CUT.finditer(text) for hit in self._remnants(text, *cut.span())]
        marks = [_Hit(*mark.span(), mark[1] or "", is_mark=True) for mark in _MARKS.finditer(text)]
        marks = [mark for mark in marks if self._is_ours(mark, found)]
        return marks + [hit for hit in found if not any(hit.lies_in(mark) for mark in marks)]

    def _is_ours(self, mark: _Hit, hits: list[_Hit]) -> bool:
        """Whether a mark may be one of ours: a far end may send one with a secret in the place of its label."""
        if not mark.label or not any(hit.lies_in(mark) and hit.end > mark.start + len(MARK) for hit in hits):
            return True
        return {_REMNANT.sub("", part) for part in mark.label.split("+")} <= {*self._forms.values()}

    def _whole(self) -> re.Pattern[str]:
        with self._lock:
            if self._pattern is None:
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            return self._pattern

    def _remnants(self, text: str, start: int, end: int) -> Iterator[_Hit]:
        """What is left of secrets before and after a place where the text may have been cut."""
        if text[end : end + SHORTEST] in self._rests:
            size, label = self._remnant(text[end:], is_rest=True)
            if size:
                yield _Hit(end, end + size, f"{label}.last{size}")
        if text[max(0, start - SHORTEST) : start] in self._ends:
            size, label = self._remnant(text[:start])
            if size:
                yield _Hit(start - size, start, f"{label}.first{size}")

    def _remnant(self, text: str, *, is_rest: bool = False) -> tuple[int, str]:
        """How many characters at the end of a text begin a secret, or at its beginning end one; and its label."""
        longest, of = 0, ""
        piece = text[:SHORTEST] if is_rest else text[-SHORTEST:]
        for form, label in self._forms.items():
            if piece not in form:  # so nothing of the least size stands there
                continue
            for size in range(min(len(form) - 1, len(text)), max(longest, _least(form) - 1), -1):
                if text.startswith(form[-size:]) if is_rest else text.endswith(form[:size]):
                    longest, of = size, label
                    break
        return longest, of


def _replaced(text: str, hits: Iterable[_Hit], label_of: Callable[[_Hit], str]) -> str:
    """The text with a mark in place of each hit; those that overlap are one."""
    parts, at, spans = [], 0, list[list[_Hit]]()
    for hit in sorted(hits):
        if spans and hit.start < max(each.end for each in spans[-1]):
            spans[-1].append(hit)
        else:
            spans.append([hit])
    for span in spans:
        label = "+".join(dict.fromkeys(filter(None, map(label_of, span))))
        parts += [text[at : span[0].start], f"[redacted:{label}]" if label else MARK]
        at = max(hit.end for hit in span)
    return "".join([*parts, text[at:]])


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
