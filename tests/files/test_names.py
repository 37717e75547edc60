"""Names that differ in a secret stay different, and keep the words of the files."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from runbook_checks.config.redaction import Redaction
from runbook_checks.handles.leftovers import Leftovers

if TYPE_CHECKING:
    from pathlib import Path

FILES = "system: reverseai\nport: 443443\npath: /api/health\nrelation: customers"
SECRETS = {
    "{env: WORD}": "customers",
    "{env: LONGER}": "reverseai123",
    "{file: a}": "tenant-acme-4711",
    "{file: b}": "tenant-zeta-0815",
    "{env: PIN}": "902174",
    "{env: PORT}": "443443",
    "{env: LINES}": "first line of it\nsecond line of it",
    "{env: MARK}": "[redacted]",
    "{env: PIECE}": "redacted",
    "{env: BEYOND}": "dacted]-and-on",
    "{env: OVER}": "4711-and-more",
}


@pytest.fixture
def redaction(tmp_path: Path) -> Redaction:
    (tmp_path / "files.yaml").write_text(FILES)
    made = Redaction([tmp_path / "files.yaml", tmp_path / "absent.yaml"])
    for name, secret in SECRETS.items():
        made.add(secret, name)
    return made


def test_names_stay_apart(redaction: Redaction) -> None:
    """Two tables, hosts or customers named as two secrets are two subjects, the same in every run, and say neither."""
    names = {f"public.{secret}": redaction.name(f"public.{secret}") for secret in SECRETS.values()}
    assert len(set(names.values())) == len(names), names
    hidden = ("{file: a}", "{file: b}", "{env: PIN}")
    assert not [name for name, of in itertools.product(names.values(), hidden) if SECRETS[of] in name]
    assert names["public.tenant-acme-4711"] == "public.[redacted:{file:a}]"


@pytest.mark.parametrize("name", ["reverseai", "GET /api/health", "customers", "public.customers", "443443"])
def test_what_stands_in_the_files_is_no_secret_in_names(redaction: Redaction, name: str) -> None:
    assert redaction.name(name) == name


def test_public_words_are_redacted_in_free_text(redaction: Redaction) -> None:
    assert redaction.text("login of reverseai123 to customers failed") == "login of [redacted] to [redacted] failed"


def test_a_secret_that_begins_with_a_word_is_one(redaction: Redaction) -> None:
    assert redaction.name("reverseai123 of reverseai") == "[redacted:{env:LONGER}] of reverseai"


def test_overlapping_secrets_are_both_redacted(redaction: Redaction) -> None:
    assert redaction.text("it said tenant-acme-4711-and-more twice") == "it said [redacted] twice"
    assert redaction.name("tenant-acme-4711-and-more") == "[redacted:{file:a}]"


@pytest.mark.parametrize("how", ["text", "name"])
@pytest.mark.parametrize(
    "text",
    [
        "[redacted]",
        "a [redacted] b",
        "redacted",
        "a redacted b",
        "[redacted]-and-on",
        "[redacted:{env:WORD}] c",
        "…edacted]",
    ],
)
def test_marks_are_not_redacted_again(redaction: Redaction, how: str, text: str) -> None:
    redact = getattr(redaction, how)
    once = redact(text)
    assert redact(once) == once
    assert once.count("redacted") <= 1


@pytest.mark.parametrize("how", ["text", "name"])
def test_a_mark_from_a_far_end_hides_no_secret(redaction: Redaction, how: str) -> None:
    for text in (
        "[redacted:tenant-acme-4711]",
        "[redacted:{env:WORD}+tenant-acme-4711]",
        "[redacted:x-tenant-acme-4711",
    ):
        assert "acme" not in getattr(redaction, how)(text)


def test_free_text_does_not_name_the_secret(redaction: Redaction) -> None:
    assert redaction.text(redaction.name("login with tenant-acme-4711 failed")) == "login with [redacted] failed"


def test_numbers_and_keys(redaction: Redaction) -> None:
    """JSON from a far end may have a PIN as a number, and a secret as a key; a configured port is not a secret."""
    reported = redaction.tree(
        {"pin": 902174, "port": 443443, "at": 1902174.0, "is": True, "tenant-acme-4711": [None, "x902174"]}
    )
    assert reported == {"pin": "[redacted]", "port": 443443, "at": 1902174.0, "is": True,
                    "[redacted:{file:a}]": [None, "x[redacted]"]}  # fmt: skip


@pytest.mark.parametrize("dsn", ["service=mydb", "dbname=customers", "service = mydb", "options=-cfoo=bar"])
def test_key_of_a_dsn_is_not_a_secret(dsn: str) -> None:
    redaction = Redaction()
    redaction.add(dsn, "{env: DSN}")
    key = dsn.partition("=")[0].strip()
    for text in (f"ai_customer_{key}", f"the {key}", f"the {key}\u2026", f"{key}: is down"):
        assert redaction.text(text) == text
    assert redaction.text(f"read {dsn} from it") == "read [redacted] from it"


def test_truncated_dsn_is_redacted_after_its_key() -> None:
    redaction = Redaction()
    redaction.add("service=zqxwvutsrq", "{env: DSN}")
    assert redaction.text("service=zqxw") == "[redacted]"
    assert redaction.text("\u2026zqxwvutsrq") == "\u2026[redacted]"


def test_lines_of_a_secret(redaction: Redaction) -> None:
    for text in ("first line of it\nsecond line of it", "first line of it second line of it", "second line of it"):
        assert "line of it" not in redaction.text(f"said: {text}.")


def test_ledger_entry_is_removed_after_a_secret_became_known(redaction: Redaction) -> None:
    ledger = Leftovers(redaction.name)
    for what in ("message of tenant-late-1", "message of tenant-late-2"):
        ledger.add("reverseai", what)
    redaction.add("tenant-late-1", "{file: late}")
    redaction.add("tenant-late-2", "{file: later}")
    ledger.take_back("reverseai", "message of tenant-late-1")
    assert ledger.left() == [("reverseai", "message of [redacted:{file:later}]")]
