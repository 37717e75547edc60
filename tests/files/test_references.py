"""A secret reference resolves to its value; one that cannot be resolved is reported without its content."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from runbook_checks.config import secrets as references
from runbook_checks.config.redaction import Redaction
from runbook_checks.config.secrets import Reference, Secret, Text, Unresolved, Vault

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "s3cr3t-of-the-webhook"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    (tmp_path / "secret.txt").write_text(f"{VALUE}\n")
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbf" + VALUE.encode() + b"\r\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "blank.txt").write_text("\n")
    (tmp_path / "latin-1.txt").write_bytes(b"geh\xe4im")
    (tmp_path / "large.txt").write_bytes(b"x" * (2 << 20))
    return Vault(tmp_path, Redaction(), {"SECRET": VALUE, "BLANK": " "})


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    "raw",
    [
        {"env": "SECRET"},
        {"file": "secret.txt"},
        {"file": "bom.txt"},
        {"command": python(f"print('{VALUE}')")},
    ],
)
def test_value_without_its_line_end(vault: Vault, raw: object) -> None:
    assert vault.value(Secret.read(raw)) == VALUE
    assert VALUE not in vault.redaction.text(f"a {VALUE} b"), "it is redacted"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"env": "ABSENT"}, "{env: ABSENT} can't be resolved: the variable is not set"),
        ({"env": "BLANK"}, "{env: BLANK} is blank"),
        ({"file": "absent.txt"}, "{file: absent.txt} can't be resolved: No such file or directory"),
        ({"file": "."}, "{file: .} can't be resolved: it is not a regular file"),
        ({"file": "pipe"}, "{file: pipe} can't be resolved: it is not a regular file"),
        ({"command": ["yes"]}, "{command: [yes, ...]} can't be resolved: it printed more than 1 MiB"),
        (
            {"file": "~no-such-user/x"},
            "{file: ~no-such-user/x} can't be resolved: No such file or directory",
        ),
        ({"file": "blank.txt"}, "{file: blank.txt} is blank"),
        ({"file": "latin-1.txt"}, "{file: latin-1.txt} can't be resolved: the file is not UTF-8"),
        ({"file": "large.txt"}, "{file: large.txt} can't be resolved: the file is larger than 1 MiB"),
        ({"file": "a\0b"}, "{file: a\0b} can't be resolved: its name contains a NUL"),
        (
            {"command": ["no-such-program-1"]},
            "{command: [no-such-program-1, ...]} can't be resolved: No such file or directory",
        ),
    ],
)
def test_unresolvable_reference_is_named(vault: Vault, raw: object, sentence: str) -> None:
    with pytest.raises(Unresolved, match=f"^{re.escape(sentence)}$"):
        vault.value(Secret.read(raw))


def test_output_of_a_failing_command_is_not_shown(vault: Vault) -> None:
    reference = Secret.read({"command": python(f"import sys; print('{VALUE}'); sys.exit('{VALUE}')")})
    with pytest.raises(Unresolved, match="it ended with exit code 1") as caught:
        vault.value(reference)
    assert VALUE not in str(caught.value)


def test_command_has_a_deadline(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "COMMAND_TIMEOUT_S", 0.5)
    with pytest.raises(Unresolved, match=r"timed out after"):
        vault.value(Secret.read({"command": python("import time; time.sleep(60)")}))


def test_each_reference_is_resolved_once_even_if_it_fails(vault: Vault, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for code in (f"open({str(log)!r}, 'a').write('x'); print('value')", f"open({str(log)!r}, 'a').write('x'); exit(3)"):
        reference = Text.read({"command": python(code)})
        log.write_text("")
        for _ in range(3):
            try:
                assert vault.value(reference) == "value"
            except Unresolved:
                assert "exit(3)" in code
        assert log.read_text() == "x"


def test_slow_command_delays_only_its_own_reference(vault: Vault) -> None:
    slow = Secret.read({"command": python("import time; time.sleep(2); print('slow-secret')")})
    waiting = threading.Thread(target=vault.value, args=(slow,))
    waiting.start()
    time.sleep(0.2)
    begun = time.monotonic()
    assert vault.value(Secret.read({"env": "SECRET"})) == VALUE
    assert time.monotonic() - begun < 1
    waiting.join()


@pytest.mark.parametrize("login", ["checks:proxy-pa55word", ":proxy-pa55word", "proxy-pa55word"])
def test_password_in_an_address_is_redacted(tmp_path: Path, login: str) -> None:
    vault = Vault(tmp_path, Redaction(), {"PROXY": f"http://{login}@proxy:3128"})
    vault.value(Text.read({"env": "PROXY"}))
    hidden = login.replace("proxy-pa55word", "[redacted]")
    assert vault.redaction.text(f"through {login}@proxy") == f"through {hidden}@proxy"
    with pytest.raises(ValueError, match="by reference"):
        Text.read(vault.variables["PROXY"])


def test_reference_shows_only_its_name() -> None:
    shown = [str(Secret.read(raw)) for raw in ({"env": "A"}, {"file": "b"}, {"command": ["op", "read", VALUE]})]
    assert shown == ["{env: A}", "{file: b}", "{command: [op, ...]}"]
    assert isinstance(Text.read(5), Reference)
