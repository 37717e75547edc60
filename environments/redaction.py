"""How is a secret kept out of everything that is said, in whatever form it turns up?"""

from __future__ import annotations

import base64
import html
import json
import re
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHORTEST = 6
MARK = "[redacted]"
_DSN_PASSWORD = re.compile(r"(?:^|\s)password\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))")


class Redaction:
    """The list of secrets, and the one way to take them out of a text.

    A secret is taken out as it is, URL-encoded, in base64 (at each of the three alignments), in hex,
    escaped as JSON, HTML, a Python literal or a shell word; of a DSN or URL also the password alone.
    Secrets shorter than SHORTEST characters would blacken ordinary words: they get a warning instead.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = Lock()

    def add(self, value: str, name: str) -> None:
        """Put a secret on the list; `name` says in a warning which one is too short to be taken out."""
        with self._lock:
            for part in {value, value.strip(), *value.split("\n")} | passwords(value):
                self._add_part(part.strip(), name)
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def _add_part(self, part: str, name: str) -> None:
        if not part or part == "-----BEGIN" or part.startswith("-----"):
            return
        if len(part) < SHORTEST:
            warning = f"the secret {name} has fewer than {SHORTEST} characters and can't be kept out of reports"
            if warning not in self.warnings:
                self.warnings.append(warning)
            return
        self._forms |= forms(part)

    def text(self, text: str) -> str:
        """The text without any secret."""
        pattern = self._pattern
        return pattern.sub(MARK, text) if pattern else text

    def bytes(self, data: bytes) -> bytes:
        """The same for bytes of any encoding: what isn't UTF-8 passes through unharmed."""
        if self._pattern is None:
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


def passwords(value: str) -> set[str]:
    """The password inside a URL or a `key=value` connection string, as written and decoded."""
    found = {a or b for a, b in _DSN_PASSWORD.findall(value)}
    if "://" in value:
        try:
            password = urlsplit(value).password
        except ValueError:
            password = None
        # A password with an unescaped '/', '?' or '#' hides from urlsplit.
        loose = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^:@/]*:(.+)@", value)
        found |= {text for text in (password, loose and loose[1]) if text}
    return found | {unquote(text) for text in found}


def forms(secret: str) -> set[str]:
    """Every way in which the suite or the libraries below it may write a secret down."""
    raw = secret.encode("utf-8", "surrogateescape")
    written = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}
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
