"""How is a secret kept out of everything that is said, in whatever form it turns up?"""

from __future__ import annotations

import base64
import html
import json
import re
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 6
MARK = "[redacted]"
_CUT = re.compile(r"\A|…|\.\.\.|\Z")  # where a text may have been cut
_BLANKS = re.compile(r"\s+")
# In key=value pairs with blanks, ';' or '&' between them; of a value without quotes also what a blank cuts off.
_KEY = r"(?:^|[\s;?&])(?:\w*password|pwd|\w*secret)\s*=\s*"
_DSN_PASSWORD = re.compile(_KEY + r"(?:'((?:[^'\\]|\\.)*)'|(\S+))", re.IGNORECASE)
_OPEN_PASSWORD = re.compile(_KEY + r"([^';&=]{1,300}?)\s{0,8}(?:[;&]|\s\w{1,40}\s{0,8}=|\Z)", re.IGNORECASE)
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.:-]*://[^:@/?#]*:(.*)@", re.DOTALL)
_URL_WITHOUT_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.:-]*://[^:@/?#]*:([^@/?#]*[^@/?#0-9][^@/?#]*)")
_ENDS = re.compile(r"[@/?#\[\]\s]")  # what an unescaped password is broken at


class Redaction:
    """The list of secrets, and the one way to take them out of a text.

    A secret is taken out as it is, URL-encoded, in base64 (at each of the three alignments), in hex,
    escaped as JSON, HTML, a Python literal or a shell word; of a DSN or URL also the password alone. Where a text was
    cut in the middle of one, what is left of it is taken out as well.
    Secrets shorter than SHORTEST characters would blacken ordinary words: they get a warning instead.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._forms: set[str] = set()
        self._ends: set[str] = set()  # what a text may end with that was cut inside a secret
        self._rests: set[str] = set()  # and what it may go on with after a cut
        self._starts: set[str] = set()  # what each of the forms begins with
        self._pattern: re.Pattern[str] | None = None  # made when it is first needed
        self._lock = Lock()

    def add(self, value: str, name: str) -> None:
        """Put a secret on the list; `name` says in a warning which one is too short to be taken out."""
        with self._lock:
            for part in {value, value.strip(), *value.split("\n")} | passwords(value):
                self._add_part(part.strip(), name)

    def _add_part(self, part: str, name: str) -> None:
        if not part or part == "-----BEGIN" or part.startswith("-----"):
            return
        if len(part) < SHORTEST:
            warning = f"the secret {name} has fewer than {SHORTEST} characters and can't be kept out of reports"
            if warning not in self.warnings:
                self.warnings.append(warning)
            return
        new = forms(part) - self._forms
        self._forms = self._forms | new  # a new one: others may be reading
        self._rests = self._rests | {
            form[at : at + SHORTEST] for form in new for at in range(1, len(form) - _least(form) + 1)
        }
        self._starts = self._starts | {form[:SHORTEST] for form in new}
        self._pattern = None
        self._ends = self._ends | {form[end - SHORTEST : end] for form in new for end in range(_least(form), len(form))}

    def text(self, text: str) -> str:
        """The text without any secret."""
        if not self._forms:
            return text
        # Looking up pieces is many times quicker than a search for hundreds of alternatives, and there is mostly none.
        starts = self._starts
        if any(text[at : at + SHORTEST] in starts for at in range(len(text) - SHORTEST + 1)):
            text = self._whole().sub(MARK, text)
        for cut in reversed(list(_CUT.finditer(text))):
            start, end = cut.span()
            if text[end : end + SHORTEST] in self._rests and (size := self._remnant(text[end:], is_rest=True)):
                text = text[:end] + MARK + text[end + size :]
            if text[max(0, start - SHORTEST) : start] in self._ends and (size := self._remnant(text[:start])):
                text = text[: start - size] + MARK + text[start:]
        return text

    def _whole(self) -> re.Pattern[str]:
        with self._lock:
            if self._pattern is None:
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            return self._pattern

    def _remnant(self, text: str, *, is_rest: bool = False) -> int:
        """How many characters at the end of a text are the beginning of a secret; or at its beginning, the rest."""
        longest = 0
        for form in self._forms:
            for size in range(min(len(form) - 1, len(text)), max(longest, _least(form) - 1), -1):
                if text.startswith(form[-size:]) if is_rest else text.endswith(form[:size]):
                    longest = size
                    break
        return longest

    def bytes(self, data: bytes) -> bytes:
        """The same for bytes of any encoding: what isn't UTF-8 passes through unharmed."""
        if not self._forms:
            return data
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def tree(self, value: Any) -> Any:
        """The same for every text in a JSON-like value, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.tree(key): self.tree(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.tree(entry) for entry in value)
        return value


def _least(form: str) -> int:
    """How much of a secret gives it away: of an address, whose beginning everybody knows, half of it."""
    return max(SHORTEST, len(form) // (2 if "://" in form or "%3A%2F%2F" in form.upper() else 4))


def passwords(value: str) -> set[str]:
    """The password inside a URL or a `key=value` connection string, as written and decoded.

    Of an address that is malformed it is what was most likely meant, and each piece that could be told as a host.
    """
    value = value.strip()
    loose = _URL.match(value) or _URL_WITHOUT_HOST.match(value)
    bare = {*_OPEN_PASSWORD.findall(value)} | ({loose[1]} if loose else set())
    found = {a or b for a, b in _DSN_PASSWORD.findall(value)} | bare
    pieces = {piece for text in bare if _ENDS.search(text) for piece in _ENDS.split(text) if len(piece) >= SHORTEST}
    return {text for text in found | pieces | {unquote(text) for text in found} if text}


def forms(secret: str) -> set[str]:
    """Every way in which the suite or the libraries below it may write a secret down."""
    raw = secret.encode("utf-8", "surrogateescape")
    written = {
        secret,
        _BLANKS.sub(" ", secret),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
    }
    written |= {text.replace("%2F", "%2f") for text in written} | {
        re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), w) for w in written
    }
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        written |= {once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]}
    written |= {
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        secret.replace("'", "'\"'\"'"),
        secret.replace('"', '""'),  # CSV
        "".join(f"%{byte:02x}" for byte in raw),  # every character, as RFC 3986 allows
        "".join(f"%{byte:02X}" for byte in raw),
        raw.hex(),
        raw.hex().upper(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # Inside a longer text base64 has three alignments; the characters that mix with neighbours go.
            text = encode(b"\0" * shift + raw).decode().rstrip("=")
            start = (0, 2, 3)[shift]
            end = len(text) - (1 if (shift + len(raw)) % 3 else 0)
            written.add(text[start:end])
    return {form for form in written if len(form) >= SHORTEST}
